/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Package files, read without unpacking them to disk. Bytes go through a chain of
 * libarchive's readers, each fed by the one before: the file; in a .deb the ar that holds
 * control.tar and data.tar; one decompressor; tar or cpio. Every plain byte passes
 * plain_read, which counts: nothing here trusts a size that an archive states.
 */
#include "probe/package-file.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "package-rpm.h"
#include "package-xz.h"
#include "probe/decompress.h"

#define DEB_MAGIC   "!<arch>\n"
#define BLOCK       ((size_t)64 * 1024)
#define HEAD        16                  /* bytes that tell a compression */
#define HEADER_MAX  ((uint64_t)4 << 20) /* plain bytes before a member's content */
#define READ_FIRST  ((size_t)1 << 20)
#define CONTROL_MAX ((size_t)1 << 20)

/* Who gets the members. */
struct visitor {
	int (*each)(void *data, struct package_member *member, struct error *err);
	void *data;
};

/* One package while it is read. */
struct reading {
	const char *path;
	int fd;
	uint64_t size;
	struct archive *ar;  /* of a .deb; its current member is what is read */
	struct archive *raw; /* the decompressor; for xz it is the next */
	struct package_xz *xz;
	struct archive *members; /* tar or cpio */
	char *block;             /* of the file */
	struct text head; /* the first bytes of what is compressed, not yet given */
	size_t head_given;
	uint64_t plain, window, count; /* window: plain bytes that may still be made */
	time_t cpu_end;
	char fault[160]; /* the first thing that was wrong; libarchive may say less */
	int code;        /* and its code */
};

static void archive_free_cleanup(struct archive **archive)
{
	if (*archive)
		(void)archive_read_free(*archive); /* nothing is written */
}
#define autoarchive cleanup(archive_free_cleanup)

void package_info_done(struct package_info *info)
{
	free(info->name);
	free(info->version);
	free(info->architecture);
	*info = (struct package_info){0};
}

/* --- what feeds the readers ------------------------------------------------------ */

__attribute__((format(printf, 3, 4))) static int reading_fault(struct reading *reading,
							       int code,
							       const char *format, ...)
{
	va_list args;

	if (reading->code == 0) {
		va_start(args, format);
		(void)vsnprintf(reading->fault, sizeof(reading->fault), format, args);
		va_end(args); /* a fault that is cut is still one */
		reading->code = code;
	}
	return -1;
}

static la_ssize_t file_block(struct reading *reading, const void **ret)
{
	ssize_t n;

	do {
		n = read(reading->fd, reading->block, BLOCK);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return reading_fault(reading, -EIO, "can't be read: %s", strerror(errno));
	*ret = reading->block;
	return n;
}

/* The next bytes of the current entry; 0 at its end. */
static la_ssize_t entry_block(struct reading *reading, struct archive *archive,
			      const void **ret)
{
	size_t len = 0;
	la_int64_t offset;
	int r;

	do {
		r = archive_read_data_block(archive, ret, &len, &offset);
	} while ((r == ARCHIVE_OK || r == ARCHIVE_WARN) && len == 0);
	if (r == ARCHIVE_EOF)
		return 0;
	if (r != ARCHIVE_OK && r != ARCHIVE_WARN) {
		const char *why = archive_error_string(archive);

		return reading_fault(reading, -ERROR_DAMAGED, "%s",
				     why ? why : "cut off");
	}
	return (la_ssize_t)len;
}

static la_ssize_t file_read(struct archive *archive, void *data, const void **ret)
{
	(void)archive; /* libarchive's signature */
	return file_block(data, ret);
}

static la_ssize_t compressed_block(struct reading *reading, const void **ret)
{
	return reading->ar ? entry_block(reading, reading->ar, ret)
			   : file_block(reading, ret);
}

static ssize_t compressed_more(void *data, const void **ret)
{
	struct reading *reading = data;
	size_t left = reading->head.len - reading->head_given;

	if (left == 0)
		return compressed_block(reading, ret);
	*ret = reading->head.data + reading->head_given;
	reading->head_given = reading->head.len;
	return (la_ssize_t)left;
}

static la_ssize_t compressed_read(struct archive *archive, void *data, const void **ret)
{
	(void)archive;
	return compressed_more(data, ret);
}

static la_ssize_t plain_block(struct reading *reading, const void **ret)
{
	const char *fault;
	ssize_t n;

	if (!reading->xz)
		return entry_block(reading, reading->raw, ret);
	n = package_xz_read(reading->xz, ret, &fault);
	return fault ? reading_fault(reading, -ERROR_DAMAGED, "%s", fault) : n;
}

static time_t cpu_seconds(void)
{
	struct timespec now = {0};

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now); /* every Linux has it */
	return now.tv_sec;
}

static uint64_t plain_max(const struct reading *reading)
{
	uint64_t max = PACKAGE_PLAIN_LEAST;

	if (reading->size > max / PACKAGE_PLAIN_RATIO)
		max = reading->size * PACKAGE_PLAIN_RATIO;
	return max < PACKAGE_PLAIN_MAX ? max : PACKAGE_PLAIN_MAX;
}

static la_ssize_t plain_read(struct archive *archive, void *data, const void **ret)
{
	struct reading *reading = data;
	la_ssize_t n = plain_block(reading, ret);

	(void)archive;
	if (n <= 0)
		return n;
	reading->plain += (uint64_t)n;
	if (reading->plain > plain_max(reading))
		return reading_fault(reading, -ERROR_DAMAGED,
				     "its %llu bytes unpack to over %llu",
				     (unsigned long long)reading->size,
				     (unsigned long long)plain_max(reading));
	if ((uint64_t)n > reading->window)
		return reading_fault(reading, -ERROR_DAMAGED,
				     "a header in it goes on for over %llu bytes",
				     (unsigned long long)HEADER_MAX);
	reading->window -= (uint64_t)n;
	if (cpu_seconds() > reading->cpu_end)
		return reading_fault(reading, -ERROR_DAMAGED,
				     "reading it takes over %d seconds of the processor",
				     PACKAGE_CPU_SECONDS);
	return n;
}

/* The error of a reader that failed; what kuro found wrong itself comes first. */
static int reading_error(const struct reading *reading, struct archive *archive,
			 struct error *err)
{
	const char *why =
		reading->code != 0 ? reading->fault : archive_error_string(archive);
	autofree char *printable = str_printable(why ? why : "cut off");

	return error_set(err, reading->code != 0 ? reading->code : -ERROR_DAMAGED,
			 "%s is damaged: %s", reading->path, printable);
}

__attribute__((format(printf, 3, 4))) static int reading_refuse(
	const struct reading *reading, struct error *err, const char *format, ...)
{
	autotext struct text why = {0};
	va_list args;

	va_start(args, format);
	text_vappendf(&why, format, args);
	va_end(args);
	return error_set(err, -ERROR_DAMAGED, "%s is damaged: %s", reading->path,
			 text_str(&why));
}

/* --- members --------------------------------------------------------------------- */

int package_member_read(struct package_member *member, size_t max, void **ret,
			size_t *ret_len, struct error *err)
{
	struct reading *reading = member->archive;
	size_t size = (size_t)member->size, room, len = 0;
	autofree char *data = NULL;

	if (member->size > max)
		return error_set(err, -EFBIG, "%s: %s has %llu bytes, over %zu",
				 reading->path, member->path,
				 (unsigned long long)member->size, max);
	room = size < READ_FIRST ? size : READ_FIRST;
	data = mem_regrow(NULL, room + 1, 1);
	while (len < size) {
		la_ssize_t n;

		if (len == room) {
			room = size - room < room ? size : 2 * room;
			data = mem_regrow(data, room + 1, 1);
		}
		n = archive_read_data(reading->members, data + len, room - len);
		if (n < 0)
			return reading_error(reading, reading->members, err);
		if (n == 0)
			return reading_refuse(reading, err, "%s ends early",
					      member->path);
		len += (size_t)n;
	}
	data[len] = '\0';
	*ret = take_ptr(data);
	*ret_len = len;
	return 0;
}

/* Put the next part of a name on path; false where it leads elsewhere. */
static bool path_add(struct text *path, const char *part, size_t len)
{
	if (len == 0 || (len == 1 && part[0] == '.'))
		return true;
	if (len == 2 && part[0] == '.' && part[1] == '.')
		return false;
	text_append(path, "/");
	text_append_n(path, part, len);
	return true;
}

/* "./usr/lib/modules/x" → "/lib/modules/x"; false where the name is none to install. */
static bool path_normal(const char *name, struct text *ret)
{
	static const char merged[] = "/usr/lib/modules/";
	size_t len = strlen(name);

	if (len > PATH_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)name[i] < ' ' || name[i] == 0x7f)
			return false;
	for (const char *part = name; *part;) {
		size_t n = strcspn(part, "/");

		if (!path_add(ret, part, n))
			return false;
		part += n + (part[n] == '/');
	}
	if (str_starts(text_str(ret), merged)) {
		memmove(ret->data, ret->data + strlen("/usr"),
			ret->len - strlen("/usr") + 1);
		ret->len -= strlen("/usr");
	}
	return true;
}

static bool entry_is_content(struct archive_entry *entry)
{
	return archive_entry_filetype(entry) == AE_IFREG &&
	       (!archive_entry_hardlink(entry) || archive_entry_size(entry) > 0);
}

/* A tar that dpkg would refuse, whose maps of holes cost memory. */
static bool entry_is_foreign(const struct reading *reading)
{
	return archive_format(reading->members) == ARCHIVE_FORMAT_TAR_PAX_INTERCHANGE;
}

static int entry_visit(struct reading *reading, struct archive_entry *entry,
		       const struct visitor *visitor, struct error *err)
{
	const char *name = archive_entry_pathname(entry);
	autotext struct text path = {0};
	struct package_member member = {.archive = reading};

	if (++reading->count > PACKAGE_MEMBERS_MAX)
		return reading_refuse(reading, err, "it has over %llu members",
				      (unsigned long long)PACKAGE_MEMBERS_MAX);
	if (entry_is_foreign(reading))
		return reading_refuse(reading, err, "a pax header, which dpkg refuses");
	if (!name || !path_normal(name, &path)) {
		autofree char *shown = str_printable(name ? name : "?");

		return reading_refuse(reading, err, "a member's name is \"%.200s\"",
				      shown);
	}
	if (!entry_is_content(entry) || path.len == 0)
		return 0;
	if (archive_entry_size(entry) < 0)
		return reading_refuse(reading, err, "%s has no size", path.data);
	member.path = path.data;
	member.size = (uint64_t)archive_entry_size(entry);
	return visitor->each(visitor->data, &member, err);
}

/* The next header; its own bytes are bounded, the content before it was passed over. */
static int entry_next(struct reading *reading, struct archive_entry **ret,
		      struct error *err)
{
	int r;

	reading->window = UINT64_MAX;
	if (reading->count > 0) {
		r = archive_read_data_skip(reading->members);
		if (r != ARCHIVE_OK && r != ARCHIVE_WARN && r != ARCHIVE_EOF)
			return reading_error(reading, reading->members, err);
	}
	reading->window = HEADER_MAX;
	r = archive_read_next_header(reading->members, ret);
	reading->window = UINT64_MAX;
	if (r == ARCHIVE_EOF)
		return 0;
	if ((r != ARCHIVE_OK && r != ARCHIVE_WARN) || reading->code != 0)
		return reading_error(reading, reading->members, err);
	return 1;
}

/* The compression by the first bytes, which are kept for its reader. */
static int compression_find(struct reading *reading, enum compression *ret,
			    struct error *err)
{
	const void *block;
	la_ssize_t n = 1;

	reading->head.len = reading->head_given = 0;
	while (reading->head.len < HEAD && n > 0) {
		n = compressed_block(reading, &block);
		if (n < 0)
			return reading_error(reading, reading->ar, err);
		text_append_n(&reading->head, n > 0 ? block : "", (size_t)n);
	}
	*ret = compression_of(reading->head.data, reading->head.len);
	return 0;
}

static int raw_open(struct reading *reading, enum compression kind, struct error *err)
{
	static const int filters[] = {
		[COMPRESSION_NONE] = ARCHIVE_FILTER_NONE,
		[COMPRESSION_GZIP] = ARCHIVE_FILTER_GZIP,
		[COMPRESSION_ZSTD] = ARCHIVE_FILTER_ZSTD,
		[COMPRESSION_LZ4] = -1,
		[COMPRESSION_LZO] = -1,
		[COMPRESSION_BZIP2] = ARCHIVE_FILTER_BZIP2,
	};
	struct archive_entry *entry;

	if (filters[kind] < 0)
		return reading_refuse(reading, err, "compressed by %s, as no package is",
				      compression_name(kind));
	/* Other than OK: libarchive would run a program. */
	if (archive_read_support_format_raw(reading->raw) != ARCHIVE_OK ||
	    archive_read_support_format_empty(reading->raw) != ARCHIVE_OK ||
	    (kind != COMPRESSION_NONE &&
	     archive_read_append_filter(reading->raw, filters[kind]) != ARCHIVE_OK))
		return error_set(err, -ENOTSUP, "%s: libarchive can't read %s here",
				 reading->path, compression_name(kind));
	if (archive_read_open(reading->raw, reading, NULL, compressed_read, NULL) !=
		    ARCHIVE_OK ||
	    archive_read_next_header(reading->raw, &entry) != ARCHIVE_OK)
		return reading_error(reading, reading->raw, err);
	return 0;
}

static int plain_open(struct reading *reading, struct package_xz *xz, struct error *err)
{
	enum compression kind = COMPRESSION_NONE;
	int r = compression_find(reading, &kind, err);

	reading->xz = NULL;
	if (r < 0)
		return r;
	if (kind != COMPRESSION_XZ && kind != COMPRESSION_LZMA)
		return raw_open(reading, kind, err);
	if (!package_xz_open(xz, kind == COMPRESSION_LZMA))
		return error_set(err, -ENOMEM, "%s: no memory to read it", reading->path);
	reading->xz = xz;
	return 0;
}

static int stream_open(struct reading *reading, struct package_xz *xz,
		       int (*format)(struct archive *), struct error *err)
{
	int r = plain_open(reading, xz, err);

	if (r < 0)
		return r;
	reading->window = HEADER_MAX;
	if (format(reading->members) != ARCHIVE_OK ||
	    archive_read_open(reading->members, reading, NULL, plain_read, NULL) !=
		    ARCHIVE_OK)
		return reading_error(reading, reading->members, err);
	return 0;
}

/* What stands behind the last member: nothing of it counts, but it must be whole. */
static int stream_drain(struct reading *reading, struct error *err)
{
	const void *block;
	la_ssize_t n;

	do {
		n = plain_read(NULL, reading, &block);
	} while (n > 0);
	if (n == 0)
		do {
			n = compressed_block(reading, &block);
		} while (n > 0);
	return n < 0 ? reading_error(reading, reading->raw, err) : 0;
}

/* One compressed tar or cpio, from where the file or the ar's member stands. */
static int stream_read(struct reading *reading, int (*format)(struct archive *),
		       const struct visitor *visitor, struct error *err)
{
	autoarchive struct archive *raw = archive_read_new();
	cleanup(package_xz_done) struct package_xz xz = {.lzma = LZMA_STREAM_INIT,
							 .more = compressed_more,
							 .data = reading};
	autoarchive struct archive *members = archive_read_new();
	struct archive_entry *entry;
	int r;

	if (!raw || !members)
		return error_set(err, -ENOMEM, "%s: no memory to read it", reading->path);
	reading->raw = raw;
	reading->members = members;
	reading->count = 0;
	r = stream_open(reading, &xz, format, err);
	if (r < 0)
		return r;
	while ((r = entry_next(reading, &entry, err)) > 0) {
		r = entry_visit(reading, entry, visitor, err);
		if (r != 0)
			return r;
	}
	return r < 0 ? r : stream_drain(reading, err);
}

/* --- .deb ------------------------------------------------------------------------ */

/* What is found on the way through a .deb. */
struct deb {
	struct package_info *info;
	const struct visitor *visitor;
	bool control; /* its file control was there */
	size_t seen;  /* of deb_parts */
};

static void control_field(const char *line, size_t len, const char *field, char **ret)
{
	size_t name = strlen(field);

	if (len > name && !*ret && strncasecmp(line, field, name) == 0) {
		autofree char *value = str_ndup(line + name, len - name);

		*ret = str_printable(str_strip(value));
	}
}

/* The first stanza; lines that go on a field begin with a space, and are no field. */
static int control_member(void *data, struct package_member *member, struct error *err)
{
	struct deb *deb = data;
	autofree void *bytes = NULL;
	size_t len;
	int r;

	if (!str_eq(member->path, "/control"))
		return 0;
	r = package_member_read(member, CONTROL_MAX, &bytes, &len, err);
	if (r < 0)
		return r;
	deb->control = true;
	for (const char *line = bytes; *line;) {
		size_t n = strcspn(line, "\n");

		control_field(line, n, "Package:", &deb->info->name);
		control_field(line, n, "Version:", &deb->info->version);
		control_field(line, n, "Architecture:", &deb->info->architecture);
		line += n + (line[n] == '\n');
	}
	return 0;
}

static int deb_version(struct reading *reading, struct deb *deb, struct error *err)
{
	char version[2] = "";

	(void)deb;
	if (archive_read_data(reading->ar, version, sizeof(version)) < 0)
		return reading_error(reading, reading->ar, err);
	if (memcmp(version, "2.", sizeof(version)) != 0)
		return reading_refuse(reading, err, "its format is not 2.x");
	return 0;
}

static int deb_control(struct reading *reading, struct deb *deb, struct error *err)
{
	const struct visitor visitor = {control_member, deb};
	int r = stream_read(reading, archive_read_support_format_tar, &visitor, err);

	if (r < 0)
		return r;
	if (!deb->control || !deb->info->name || !deb->info->version)
		return reading_refuse(reading, err,
				      "its control file is missing, or names no package");
	return 0;
}

static int deb_data(struct reading *reading, struct deb *deb, struct error *err)
{
	return stream_read(reading, archive_read_support_format_tar, deb->visitor, err);
}

/* In this order and once each (deb(5)). */
static const struct {
	const char *name;
	int (*read)(struct reading *reading, struct deb *deb, struct error *err);
} deb_parts[] = {
	{"debian-binary", deb_version},
	{"control.tar", deb_control},
	{"data.tar", deb_data},
};

static int deb_member(struct reading *reading, struct deb *deb, const char *name,
		      struct error *err)
{
	for (size_t i = 0; i < ARRAY_LEN(deb_parts); i++) {
		if (!str_starts(name, deb_parts[i].name))
			continue;
		if (i < deb->seen)
			return reading_refuse(reading, err, "it has two members %s",
					      deb_parts[i].name);
		if (i > deb->seen)
			break;
		deb->seen++;
		return deb_parts[i].read(reading, deb, err);
	}
	if (name[0] == '_' || deb->seen == ARRAY_LEN(deb_parts))
		return 0; /* dpkg passes over these */
	return reading_refuse(reading, err, "its member %s is not where it must be",
			      deb_parts[deb->seen].name);
}

static int deb_read(struct reading *reading, struct deb *deb, struct error *err)
{
	autoarchive struct archive *ar = archive_read_new();
	struct archive_entry *entry;
	int r;

	if (!ar || archive_read_support_format_ar(ar) != ARCHIVE_OK)
		return error_set(err, -ENOMEM, "%s: no memory to read it", reading->path);
	if (archive_read_open(ar, reading, NULL, file_read, NULL) != ARCHIVE_OK)
		return reading_error(reading, ar, err);
	reading->ar = ar;
	while ((r = archive_read_next_header(ar, &entry)) == ARCHIVE_OK ||
	       r == ARCHIVE_WARN) {
		const char *name = archive_entry_pathname(entry);
		int done = deb_member(reading, deb, name ? name : "", err);

		if (done != 0)
			return done;
	}
	if (r != ARCHIVE_EOF)
		return reading_error(reading, ar, err);
	if (deb->seen < ARRAY_LEN(deb_parts))
		return reading_refuse(reading, err, "it has no %s",
				      deb_parts[deb->seen].name);
	return 0;
}

static int package_deb(struct reading *reading, const struct visitor *visitor,
		       struct package_info *info, struct error *err)
{
	struct deb deb = {.info = info, .visitor = visitor};
	int r = deb_read(reading, &deb, err);

	if (!info->architecture)
		info->architecture = str_dup("");
	return r;
}

/* --- .rpm ------------------------------------------------------------------------ */

static int package_rpm(struct reading *reading, const struct visitor *visitor,
		       struct package_info *info, struct error *err)
{
	autorpm struct rpm_head head = {0};
	int r = rpm_head_read(reading->fd, reading->size, &head, err);

	if (r < 0)
		return error_prefix(err, r, "%s is damaged", reading->path);
	if (lseek(reading->fd, (off_t)head.payload, SEEK_SET) < 0)
		return error_errno(err, -errno, "%s can't be read", reading->path);
	info->rpm = true;
	info->name = take_ptr(head.name);
	info->version = str_format("%s-%s", head.version, head.release);
	info->architecture = take_ptr(head.architecture);
	return stream_read(reading, archive_read_support_format_cpio, visitor, err);
}

/* --- either ---------------------------------------------------------------------- */

static int package_open(const struct root *root, const char *path, uint64_t *ret_size,
			struct error *err)
{
	autoclose int fd = root_openat(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	struct stat st;

	if (fd < 0)
		return error_errno(err, fd, "%s can't be opened", path);
	if (fstat(fd, &st) < 0)
		return error_errno(err, -errno, "%s can't be read", path);
	if (!S_ISREG(st.st_mode))
		return error_set(err, -ERROR_DAMAGED, "%s is no regular file", path);
	*ret_size = (uint64_t)st.st_size;
	return take_fd(&fd);
}

static int package_read(struct reading *reading, const struct visitor *visitor,
			struct package_info *info, struct error *err)
{
	char magic[8] = "";
	ssize_t n = pread(reading->fd, magic, sizeof(magic), 0);

	if (n < 0)
		return error_errno(err, -errno, "%s can't be read", reading->path);
	if (memcmp(magic, DEB_MAGIC, sizeof(magic)) == 0)
		return package_deb(reading, visitor, info, err);
	if (memcmp(magic, RPM_MAGIC, sizeof(RPM_MAGIC) - 1) == 0)
		return package_rpm(reading, visitor, info, err);
	return error_set(err, -ERROR_DAMAGED, "%s is neither a .deb nor an .rpm",
			 reading->path);
}

int package_file_read(const struct root *root, const char *path,
		      int (*each)(void *data, struct package_member *member,
				  struct error *err),
		      void *data, struct package_info *ret, struct error *err)
{
	const struct visitor visitor = {each, data};
	autopackage struct package_info info = {0};
	autofree char *block = mem_regrow(NULL, BLOCK, 1);
	struct reading reading = {.path = path, .block = block};
	autoclose int fd = package_open(root, path, &reading.size, err);
	int r;

	if (fd < 0)
		return fd;
	reading.fd = fd;
	reading.cpu_end = cpu_seconds() + PACKAGE_CPU_SECONDS;
	r = package_read(&reading, &visitor, &info, err);
	text_done(&reading.head);
	if (r == 0 && ret) {
		*ret = info;
		info = (struct package_info){0};
	}
	return r;
}
