/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * kuro's own files on the boot file system, read and compared, never changed. All of it
 * is hostile: a torn block, a directory someone made by hand, a file that grew.
 */
#include "probe/boot-files.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "core/command-line.h"
#include "crypto-library.h"

#define BOOT_ENV_DEFAULT BOOT_DIR "/env"
#define BOOT_CONF_MAX    ((size_t)64 * 1024)
#define BOOT_BLOCK_READ \
	((size_t)64 * 1024) /* a block of another size is read to say so */
#define BOOT_MANIFEST_MAX ((size_t)1024 * 1024)
#define BOOT_SUMS_MAX     ((size_t)64 * 1024)
#define BOOT_PATH_MAX     1024
#define HASH_CHUNK        ((size_t)256 * 1024)

/* A path that may stand in grub.conf: absolute, plain, without a way upwards. */
static bool env_path_valid(const char *path)
{
	size_t len = strlen(path);

	if (path[0] != '/' || len < 2 || len > BOOT_PATH_MAX || path[len - 1] == '/')
		return false;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)path[i] <= ' ' || path[i] == 0x7f)
			return false;
	return !strstr(path, "/../") && !str_ends(path, "/..");
}

/* The path that one line of grub.conf assigns to KURO_ENV, or NULL. Caller frees. */
static char *env_path_of_line(char *line)
{
	static const char key[] = "KURO_ENV=";
	autofree char *value = NULL;

	line = str_strip(line);
	if (!str_starts(line, key))
		return NULL;
	if (command_line_unquote(line + strlen(key), &value, NULL) < 0)
		return NULL;
	return env_path_valid(value) ? take_ptr(value) : NULL;
}

char *boot_files_env_path(const struct root *root)
{
	autofree char *conf = NULL;
	char *found = NULL, *rest, *line;

	if (root_read(root, BOOT_GRUB_CONF, BOOT_CONF_MAX, &conf, NULL, NULL) < 0)
		return str_dup(BOOT_ENV_DEFAULT);
	rest = conf;
	while ((line = strsep(&rest, "\n"))) {
		char *path = env_path_of_line(line);

		if (!path)
			continue;
		free(found); /* as in a shell, the last assignment counts */
		found = path;
	}
	return found ? found : str_dup(BOOT_ENV_DEFAULT);
}

int boot_files_read_block(const struct root *root, struct boot_block *ret,
			  struct error *err)
{
	autofree char *path = boot_files_env_path(root);
	autofree char *data = NULL;
	size_t len = 0;
	int r;

	r = root_read(root, path, BOOT_BLOCK_READ, &data, &len, err);
	if (r == -ENOENT || r == -ENOTDIR)
		return error_set(
			err, -ENOENT,
			"kuro is not set up here: %s is missing; run 'kuro setup'", path);
	if (r == -EFBIG)
		return error_set(
			err, -ERROR_DAMAGED,
			"%s: an environment block has %d bytes, this file has more", path,
			BOOT_BLOCK_SIZE);
	if (r < 0)
		return r;
	r = boot_block_parse(data, len, ret, err);
	return r < 0 ? error_prefix(err, r, "%s", path) : 0;
}

/* The number that a directory's name says, or 0. */
static unsigned int generation_of_name(const char *name)
{
	unsigned long long number;

	if (name[0] == '0' || str_to_u64(name, 1, BOOT_GENERATION_MAX, &number) < 0)
		return 0;
	return (unsigned int)number;
}

static int compare_numbers(const void *a, const void *b)
{
	unsigned int x = *(const unsigned int *)a, y = *(const unsigned int *)b;

	return (x > y) - (x < y);
}

int boot_files_generations(const struct root *root, unsigned int **ret, size_t *ret_count,
			   struct error *err)
{
	autostrv struct strv names = {0};
	unsigned int *numbers;
	size_t count = 0;
	int r;

	r = root_list(root, BOOT_GENERATIONS, &names, err);
	if (r < 0)
		return r;
	numbers = mem_regrow(NULL, names.count, sizeof(*numbers));
	for (size_t i = 0; i < names.count; i++) {
		unsigned int number = generation_of_name(names.items[i]);
		autofree char *path = str_format(BOOT_GENERATIONS "/%s", names.items[i]);
		struct stat st;

		if (number && root_lstat(root, path, &st) == 0 && S_ISDIR(st.st_mode))
			numbers[count++] = number;
	}
	if (count > 1)
		qsort(numbers, count, sizeof(*numbers), compare_numbers);
	*ret = numbers;
	*ret_count = count;
	return 0;
}

int boot_files_manifest(const struct root *root, unsigned int generation,
			struct manifest *ret, struct error *err)
{
	autofree char *path =
		str_format(BOOT_GENERATIONS "/%u/manifest.json", generation);
	automanifest struct manifest m = {0};
	autofree char *text = NULL;
	size_t len = 0;
	int r;

	r = root_read(root, path, BOOT_MANIFEST_MAX, &text, &len, err);
	if (r == -ENOENT || r == -ENOTDIR)
		return error_set(err, -ENOENT, "generation %u: %s is missing", generation,
				 path);
	if (r == -EFBIG)
		return error_set(err, -ERROR_DAMAGED, "%s: larger than any manifest",
				 path);
	if (r < 0)
		return r;
	r = manifest_parse(text, len, &m, err);
	if (r < 0)
		return error_prefix(err, r, "%s", path);
	if (m.generation != generation)
		return error_set(err, -ERROR_DAMAGED, "%s: says it is of generation %u",
				 path, m.generation);
	*ret = m;
	m = (struct manifest){0};
	return 0;
}

static void cleanup_digest(EVP_MD_CTX **context)
{
	if (*context)
		sym_EVP_MD_CTX_free(*context);
}

/* Feed the descriptor's bytes, from its start to its end, to the digest. */
static int hash_content(int fd, const char *what, EVP_MD_CTX *digest, uint64_t *ret_size,
			struct error *err)
{
	autofree unsigned char *chunk = mem_regrow(NULL, HASH_CHUNK, 1);
	uint64_t offset = 0;

	for (;;) {
		ssize_t n = pread(fd, chunk, HASH_CHUNK, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_errno(err, -errno, "reading %s", what);
		if (n == 0)
			break;
		if (sym_EVP_DigestUpdate(digest, chunk, (size_t)n) != 1)
			return error_set(err, -EIO, "%s: OpenSSL can't hash it", what);
		offset += (uint64_t)n;
	}
	*ret_size = offset;
	return 0;
}

int boot_files_hash(int fd, const char *what, char *ret_hex, uint64_t *ret_size,
		    struct error *err)
{
	cleanup(cleanup_digest) EVP_MD_CTX *digest = NULL;
	unsigned char sum[EVP_MAX_MD_SIZE];
	unsigned int len = 0;
	uint64_t size = 0;
	int r = crypto_library_load(err);

	if (r < 0)
		return r;
	digest = sym_EVP_MD_CTX_new();
	if (!digest || sym_EVP_DigestInit_ex(digest, sym_EVP_sha256(), NULL) != 1)
		return error_set(err, -EIO, "%s: OpenSSL offers no SHA-256", what);
	r = hash_content(fd, what, digest, &size, err);
	if (r < 0)
		return r;
	if (sym_EVP_DigestFinal_ex(digest, sum, &len) != 1 ||
	    len * 2 + 1 != MANIFEST_SHA256_HEX)
		return error_set(err, -EIO, "%s: OpenSSL can't hash it", what);
	for (unsigned int i = 0; i < len; i++)
		(void)snprintf(ret_hex + (size_t)i * 2, 3, "%02x",
			       sum[i]); /* two digits */
	*ret_size = size;
	return 0;
}

static int verify_hash(int fd, const char *path, const struct manifest_file *file,
		       struct error *err)
{
	char hex[MANIFEST_SHA256_HEX];
	uint64_t size = 0;
	int r;

	r = boot_files_hash(fd, path, hex, &size, err);
	if (r < 0)
		return r;
	if (size != file->size || strcmp(hex, file->sha256) != 0)
		return error_set(err, -ERROR_DAMAGED,
				 "%s: its content changed since the generation was made "
				 "(SHA-256 %.16s…, the manifest says %.16s…)",
				 path, hex, file->sha256);
	return 0;
}

static int verify_file(const struct root *root, const char *directory,
		       const struct manifest_file *file, bool hashes, struct error *err)
{
	autofree char *path = str_format("%s/%s", directory, file->name);
	autoclose int fd = -1;
	struct stat st;

	/* O_NONBLOCK: a FIFO in the file's place must not hold kuro up */
	fd = root_openat(root, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
	if (fd == -ENOENT || fd == -ELOOP)
		return error_set(err, -ERROR_DAMAGED, "%s: %s", path,
				 fd == -ENOENT ? "is missing" : "is a symbolic link");
	if (fd < 0)
		return error_errno(err, fd, "opening %s", path);
	if (fstat(fd, &st) < 0)
		return error_errno(err, -errno, "reading %s", path);
	if (!S_ISREG(st.st_mode))
		return error_set(err, -ERROR_DAMAGED, "%s: is not a regular file", path);
	if ((uint64_t)st.st_size != file->size)
		return error_set(err, -ERROR_DAMAGED,
				 "%s: has %jd bytes, the manifest says %" PRIu64, path,
				 (intmax_t)st.st_size, file->size);
	return hashes ? verify_hash(fd, path, file, err) : 0;
}

/* GRUB judges by sums, kuro by the manifest: both must say the same. */
static int verify_sums(const struct root *root, const char *directory,
		       const struct manifest *m, struct error *err)
{
	autofree char *path = str_format("%s/sums", directory);
	autofree char *want = manifest_sums(m);
	autofree char *have = NULL;
	size_t len = 0;
	int r;

	r = root_read(root, path, BOOT_SUMS_MAX, &have, &len, err);
	if (r == -ENOENT)
		return error_set(err, -ERROR_DAMAGED, "%s: is missing", path);
	if (r < 0 && r != -EFBIG)
		return r;
	if (r == -EFBIG || len != strlen(want) || memcmp(have, want, len) != 0)
		return error_set(err, -ERROR_DAMAGED, "%s: differs from the manifest",
				 path);
	return 0;
}

int boot_files_verify(const struct root *root, unsigned int generation, bool hashes,
		      struct error *err)
{
	autofree char *directory = str_format(BOOT_GENERATIONS "/%u", generation);
	automanifest struct manifest m = {0};
	int r;

	r = boot_files_manifest(root, generation, &m, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < m.file_count; i++) {
		r = verify_file(root, directory, &m.files[i], hashes, err);
		if (r < 0)
			return r;
	}
	return verify_sums(root, directory, &m, err);
}
