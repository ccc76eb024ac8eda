/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Package files, read without unpacking them to disk: their members, by the names that
 * they are installed under, from either format.
 */
#include "probe/package-file.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "package-rpm.h"
#include "package-stream.h"

#define DEB_MAGIC  "!<arch>\n"
#define READ_FIRST ((size_t)1 << 20)

void package_info_done(struct package_info *info)
{
	free(info->name);
	free(info->version);
	free(info->architecture);
	*info = (struct package_info){0};
}

/* --- members --------------------------------------------------------------------- */

int package_member_read(struct package_member *member, size_t max, void **ret,
			size_t *ret_len, struct error *err)
{
	struct package_reading *reading = member->archive;
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
		n = sym_archive_read_data(reading->members, data + len, room - len);
		if (n < 0)
			return package_reading_error(reading, reading->members, err);
		if (n == 0)
			return package_reading_refuse(reading, err, "%s ends early",
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
	return sym_archive_entry_filetype(entry) == AE_IFREG &&
	       (!sym_archive_entry_hardlink(entry) || sym_archive_entry_size(entry) > 0);
}

/* A tar that dpkg would refuse, whose maps of holes cost memory. */
static bool entry_is_foreign(const struct package_reading *reading)
{
	return sym_archive_format(reading->members) == ARCHIVE_FORMAT_TAR_PAX_INTERCHANGE;
}

static int entry_visit(struct package_reading *reading, struct archive_entry *entry,
		       const struct package_visitor *visitor, struct error *err)
{
	const char *name = sym_archive_entry_pathname(entry);
	autotext struct text path = {0};
	struct package_member member = {.archive = reading};

	if (++reading->count > PACKAGE_MEMBERS_MAX)
		return package_reading_refuse(reading, err, "it has over %llu members",
					      (unsigned long long)PACKAGE_MEMBERS_MAX);
	if (entry_is_foreign(reading))
		return package_reading_refuse(reading, err,
					      "a pax header, which dpkg refuses");
	if (!name || !path_normal(name, &path)) {
		autofree char *shown = str_printable(name ? name : "?");

		return package_reading_refuse(reading, err,
					      "a member's name is \"%.200s\"", shown);
	}
	if (!entry_is_content(entry) || path.len == 0)
		return 0;
	if (sym_archive_entry_size(entry) < 0)
		return package_reading_refuse(reading, err, "%s has no size", path.data);
	member.path = path.data;
	member.size = (uint64_t)sym_archive_entry_size(entry);
	return visitor->each(visitor->data, &member, err);
}

/* The next header; its own bytes are bounded, the content before it was passed over. */
static int entry_next(struct package_reading *reading, struct archive_entry **ret,
		      struct error *err)
{
	int r;

	reading->window = UINT64_MAX;
	if (reading->count > 0) {
		r = sym_archive_read_data_skip(reading->members);
		if (r != ARCHIVE_OK && r != ARCHIVE_WARN && r != ARCHIVE_EOF)
			return package_reading_error(reading, reading->members, err);
	}
	reading->window = PACKAGE_HEADER_MAX;
	r = sym_archive_read_next_header(reading->members, ret);
	reading->window = UINT64_MAX;
	if (r == ARCHIVE_EOF)
		return 0;
	if ((r != ARCHIVE_OK && r != ARCHIVE_WARN) || reading->code != 0)
		return package_reading_error(reading, reading->members, err);
	return 1;
}

/* One compressed tar or cpio, from where the file or the ar's member stands. */
int package_stream_read(struct package_reading *reading, int (*format)(struct archive *),
			const struct package_visitor *visitor, struct error *err)
{
	autoarchive struct archive *raw = sym_archive_read_new();
	cleanup(package_xz_done) struct package_xz xz = {.lzma = LZMA_STREAM_INIT};
	autoarchive struct archive *members = sym_archive_read_new();
	struct archive_entry *entry;
	int r;

	if (!raw || !members)
		return error_set(err, -ENOMEM, "%s: no memory to read it", reading->path);
	reading->raw = raw;
	reading->members = members;
	reading->count = 0;
	r = package_stream_open(reading, &xz, format, err);
	if (r < 0)
		return r;
	while ((r = entry_next(reading, &entry, err)) > 0) {
		r = entry_visit(reading, entry, visitor, err);
		if (r != 0)
			return r;
	}
	return r < 0 ? r : package_stream_drain(reading, err);
}

/* --- either format --------------------------------------------------------------- */

static int package_rpm(struct package_reading *reading,
		       const struct package_visitor *visitor, struct package_info *info,
		       struct error *err)
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
	return package_stream_read(reading, sym_archive_read_support_format_cpio, visitor,
				   err);
}

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

static int package_read(struct package_reading *reading,
			const struct package_visitor *visitor, struct package_info *info,
			struct error *err)
{
	char magic[8] = "";
	ssize_t n = pread(reading->fd, magic, sizeof(magic), 0);

	int r = archive_library_load(err);

	if (r < 0)
		return r;
	if (n < 0)
		return error_errno(err, -errno, "%s can't be read", reading->path);
	if (memcmp(magic, DEB_MAGIC, sizeof(magic)) == 0)
		return package_deb_read(reading, visitor, info, err);
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
	const struct package_visitor visitor = {each, data};
	autopackage struct package_info info = {0};
	autofree char *block = mem_regrow(NULL, PACKAGE_BLOCK, 1);
	struct package_reading reading = {.path = path, .block = block};
	autoclose int fd = package_open(root, path, &reading.size, err);
	int r;

	if (fd < 0)
		return fd;
	reading.fd = fd;
	reading.cpu_end = package_cpu_seconds() + PACKAGE_CPU_SECONDS;
	r = package_read(&reading, &visitor, &info, err);
	text_done(&reading.head);
	if (r == 0 && ret) {
		*ret = info;
		info = (struct package_info){0};
	}
	return r;
}
