/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Manifests: JSON in and out. What is parsed is hostile: every field is bounded before it
 * is used, and what could not have been kuro's is refused whole. What GRUB reads of one
 * is made by manifest-grub.c.
 */
#include "core/manifest.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "core/boot-protocol.h"
#include "core/command-line.h"
#include "core/release.h"

#define SCHEMA        1
#define TEXT_MAX      65536
#define DEPTH_MAX     8
#define TITLE_MAX     256
#define LINE_MAX_LEN  4096
#define NAME_MAX_LEN  64
#define TIME_MAX      253402300799LL /* the end of the year 9999 */
#define SIZE_MAX_FILE (1LL << 40)

static void cleanup_json(json_object **object)
{
	json_object_put(*object);
}

static void cleanup_tokener(json_tokener **tokener)
{
	if (*tokener)
		json_tokener_free(*tokener);
}

void manifest_done(struct manifest *m)
{
	if (!m)
		return;
	free(m->release);
	free(m->title);
	free(m->command_line);
	free(m->trial_line);
	for (size_t i = 0; i < MANIFEST_FILES_MAX; i++)
		free(m->files[i].name);
	*m = (struct manifest){0};
}

const struct manifest_file *manifest_file(const struct manifest *m, const char *name)
{
	for (size_t i = 0; i < m->file_count; i++)
		if (str_eq(m->files[i].name, name))
			return &m->files[i];
	return NULL;
}

static const char *or_empty(const char *s)
{
	return s ? s : "";
}

static void add_string(json_object *object, const char *key, const char *value)
{
	json_object_object_add(object, key, json_object_new_string(value));
}

static void add_number(json_object *object, const char *key, int64_t value)
{
	json_object_object_add(object, key, json_object_new_int64(value));
}

static json_object *files_to_json(const struct manifest *m)
{
	json_object *list = json_object_new_array();

	for (size_t i = 0; i < m->file_count; i++) {
		json_object *file = json_object_new_object();

		add_string(file, "name", m->files[i].name);
		add_number(file, "size", (int64_t)m->files[i].size);
		add_string(file, "sha256", m->files[i].sha256);
		json_object_array_add(list, file);
	}
	return list;
}

char *manifest_format(const struct manifest *m)
{
	json_object *object cleanup(cleanup_json) = json_object_new_object();
	autofree char *title = str_printable(or_empty(m->title)); /* as menus have it */

	add_number(object, "schema", SCHEMA);
	add_number(object, "generation", m->generation);
	add_string(object, "release", or_empty(m->release));
	add_string(object, "title", title);
	add_string(object, "command_line", or_empty(m->command_line));
	add_string(object, "trial_line", or_empty(m->trial_line));
	add_number(object, "created", m->created);
	add_number(object, "transaction", m->transaction);
	json_object_object_add(object, "files", files_to_json(m));
	return str_format("%s\n",
			  json_object_to_json_string_ext(
				  object, JSON_C_TO_STRING_PRETTY |
						  JSON_C_TO_STRING_SPACED |
						  JSON_C_TO_STRING_NOSLASHESCAPE));
}

static int get_number(json_object *object, const char *key, int64_t min, int64_t max,
		      int64_t *ret, struct error *err)
{
	json_object *value;
	int64_t number;

	if (!json_object_object_get_ex(object, key, &value))
		return error_set(err, -ERROR_DAMAGED, "manifest: \"%s\" is missing", key);
	if (!json_object_is_type(value, json_type_int))
		return error_set(err, -ERROR_DAMAGED,
				 "manifest: \"%s\" is not a whole number", key);
	number = json_object_get_int64(
		value); /* beyond its range: the nearest end of it */
	if (number < min || number > max)
		return error_set(
			err, -ERROR_DAMAGED,
			"manifest: \"%s\" is out of bounds: %lld to %lld are allowed",
			key, (long long)min, (long long)max);
	*ret = number;
	return 0;
}

/*
 * A string of at most max bytes without NUL; borrowed from object. NULL where there is no
 * such, with -ERROR_DAMAGED in err.
 */
static const char *get_string(json_object *object, const char *key, size_t max,
			      struct error *err)
{
	json_object *value;
	const char *string;
	size_t len;

	if (!json_object_object_get_ex(object, key, &value)) {
		error_set(err, -ERROR_DAMAGED, "manifest: \"%s\" is missing", key);
		return NULL;
	}
	if (!json_object_is_type(value, json_type_string)) {
		error_set(err, -ERROR_DAMAGED, "manifest: \"%s\" is not a string", key);
		return NULL;
	}
	string = json_object_get_string(value);
	len = (size_t)json_object_get_string_len(value);
	if (len <= max && strlen(string) == len)
		return string;
	error_set(err, -ERROR_DAMAGED,
		  "manifest: \"%s\" is longer than %zu bytes or holds a NUL", key, max);
	return NULL;
}

static int parse_release(json_object *object, struct manifest *m, struct error *err)
{
	const char *release = get_string(object, "release", LINE_MAX_LEN, err);

	if (!release)
		return -ERROR_DAMAGED;
	if (!release_valid(release))
		return error_set(err, -ERROR_DAMAGED,
				 "manifest: \"release\" can't be a kernel release");
	m->release = str_dup(release);
	return 0;
}

static int parse_title(json_object *object, struct manifest *m, struct error *err)
{
	autofree char *clean = NULL;
	const char *title = get_string(object, "title", TITLE_MAX, err);

	if (!title)
		return -ERROR_DAMAGED;
	clean = str_printable(title);
	if (strcmp(clean, title) != 0)
		return error_set(err, -ERROR_DAMAGED,
				 "manifest: \"title\" holds a control character");
	m->title = take_ptr(clean);
	return 0;
}

/* A command line that GRUB can pass on; NULL with -ERROR_DAMAGED in err. Caller frees. */
static char *parse_line(json_object *object, const char *key, struct error *err)
{
	autostrv struct strv args = {0};
	const char *line = get_string(object, key, LINE_MAX_LEN, err);
	struct error why = {0};

	if (!line)
		return NULL;
	command_line_split(line, &args);
	if (command_line_check(&args, &why) == 0)
		return str_dup(line);
	error_set(err, -ERROR_DAMAGED, "manifest: \"%s\": %s", key, why.message);
	return NULL;
}

/* A plain name within the generation's directory: [A-Za-z0-9][A-Za-z0-9._-]* */
static bool name_valid(const char *name)
{
	static const char first[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789";
	size_t n = strspn(name, first);

	if (n == 0)
		return false;
	while (name[n] && (strchr(first, name[n]) || strchr("._-", name[n])))
		n++;
	return !name[n];
}

static bool hash_valid(const char *hash)
{
	return strlen(hash) == MANIFEST_SHA256_HEX - 1 &&
	       strspn(hash, "0123456789abcdef") == MANIFEST_SHA256_HEX - 1;
}

static int parse_file(json_object *object, struct manifest *m, struct error *err)
{
	struct manifest_file *file = &m->files[m->file_count];
	const char *name, *hash;
	int64_t size = 0;

	if (!json_object_is_type(object, json_type_object))
		return error_set(err, -ERROR_DAMAGED,
				 "manifest: a file is not an object");
	name = get_string(object, "name", NAME_MAX_LEN, err);
	hash = name ? get_string(object, "sha256", MANIFEST_SHA256_HEX, err) : NULL;
	if (!hash || get_number(object, "size", 0, SIZE_MAX_FILE, &size, err) < 0)
		return -ERROR_DAMAGED;
	if (!name_valid(name))
		return error_set(err, -ERROR_DAMAGED,
				 "manifest: a file's \"name\" is not a plain file name");
	if (manifest_file(m, name))
		return error_set(err, -ERROR_DAMAGED,
				 "manifest: file %s stands there twice", name);
	if (!hash_valid(hash))
		return error_set(err, -ERROR_DAMAGED,
				 "manifest: file %s: \"sha256\" is not 64 lower-case "
				 "hexadecimal digits",
				 name);
	file->name = str_dup(name);
	file->size = (uint64_t)size;
	memcpy(file->sha256, hash, MANIFEST_SHA256_HEX);
	m->file_count++;
	return 0;
}

static int parse_files(json_object *object, struct manifest *m, struct error *err)
{
	json_object *files;
	size_t count;

	if (!json_object_object_get_ex(object, "files", &files) ||
	    !json_object_is_type(files, json_type_array))
		return error_set(err, -ERROR_DAMAGED,
				 "manifest: \"files\" is missing or not a list");
	count = json_object_array_length(files);
	if (count > MANIFEST_FILES_MAX)
		return error_set(err, -ERROR_DAMAGED, "manifest: %zu files; at most %d",
				 count, MANIFEST_FILES_MAX);
	for (size_t i = 0; i < count; i++) {
		int result = parse_file(json_object_array_get_idx(files, i), m, err);

		if (result < 0)
			return result;
	}
	if (!manifest_file(m, "vmlinuz"))
		return error_set(err, -ERROR_DAMAGED,
				 "manifest: file vmlinuz is missing");
	return 0;
}

static int parse_numbers(json_object *object, struct manifest *m, struct error *err)
{
	int64_t generation = 0;
	int result = get_number(object, "generation", 1, BOOT_GENERATION_MAX, &generation,
				err);

	if (result == 0)
		result = get_number(object, "created", 0, TIME_MAX, &m->created, err);
	if (result == 0)
		result = get_number(object, "transaction", 0, INT64_MAX - 1,
				    &m->transaction, err);
	if (result == 0)
		m->generation = (unsigned int)generation;
	return result;
}

/* GRUB joins both lines for a trial: together they must not be cut. */
static int parse_lines(json_object *object, struct manifest *m, struct error *err)
{
	m->command_line = parse_line(object, "command_line", err);
	if (!m->command_line)
		return -ERROR_DAMAGED;
	m->trial_line = parse_line(object, "trial_line", err);
	if (!m->trial_line)
		return -ERROR_DAMAGED;
	if (strlen(m->command_line) + strlen(m->trial_line) >
	    COMMAND_LINE_MAX + COMMAND_LINE_TRIAL_MAX)
		return error_set(err, -ERROR_DAMAGED,
				 "manifest: both command lines together are too long");
	return 0;
}

static int parse_object(json_object *object, struct manifest *m, struct error *err)
{
	int64_t schema = 0;
	int result = get_number(object, "schema", SCHEMA, SCHEMA, &schema, err);

	if (result == 0)
		result = parse_numbers(object, m, err);
	if (result == 0)
		result = parse_release(object, m, err);
	if (result == 0)
		result = parse_title(object, m, err);
	if (result == 0)
		result = parse_lines(object, m, err);
	if (result == 0)
		result = parse_files(object, m, err);
	return result;
}

static int json_parse(const char *text, size_t len, json_object **ret, struct error *err)
{
	json_tokener *tokener cleanup(cleanup_tokener) = json_tokener_new_ex(DEPTH_MAX);
	json_object *object cleanup(cleanup_json) = NULL;

	if (len > TEXT_MAX)
		return error_set(err, -ERROR_DAMAGED, "manifest: %zu bytes; at most %d",
				 len, TEXT_MAX);
	if (!tokener)
		return error_set(err, -ENOMEM, "manifest: out of memory");
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	object = json_tokener_parse_ex(tokener, text, (int)len);
	if (!object)
		return error_set(err, -ERROR_DAMAGED,
				 "manifest: not JSON: %s at byte %zu",
				 json_tokener_error_desc(json_tokener_get_error(tokener)),
				 json_tokener_get_parse_end(tokener));
	if (!json_object_is_type(object, json_type_object))
		return error_set(err, -ERROR_DAMAGED, "manifest: not a JSON object");
	*ret = take_ptr(object);
	return 0;
}

int manifest_parse(const char *text, size_t len, struct manifest *ret, struct error *err)
{
	json_object *object cleanup(cleanup_json) = NULL;
	struct manifest m = {0};
	int result = json_parse(text, len, &object, err);

	if (result == 0)
		result = parse_object(object, &m, err);
	if (result < 0) {
		manifest_done(&m);
		return result;
	}
	*ret = m;
	return 0;
}
