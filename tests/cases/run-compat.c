/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * compat/NAME.case is a kernel, what it exports, modules, and their verdicts: "key:
 *value" lines, # for comments. Versions are hexadecimal; one that is not given is
 *11111111, so that everything fits but for what the case is about.
 *
 *	kernel: 6.1 [no-]OPTION...	6.1, 6.12 or 7.3 as Debian builds them (kernels[]
 *and options[] below) release: TEXT			and vermagic: TEXT, or none
 *	symbol: NAME [gpl] [version=HEX|none] [namespace=TEXT] [owner=MODULE]
 *	tree: NAME...			the tree's own modules; so built-in:, taken:,
 *blacklisted:
 *	own: NAME NEED[=HEX]...		one of the tree's own, where the set replaces
 *others: what it needs of modules
 *	kernel: real OPTION...		and layout: N: nothing is taken for granted
 *	answer: NAME WORD...		behind all modules, instead of expect: what a real
 *kernel answered (run-answers.h)
 *	module: NAME			a third-party module as that kernel's own build
 *makes it and signs it, but for what the lines below it say: file: none | malformed
 *SENTENCE machine: N			and layout: N (bytes of struct module) vermagic:
 *TEXT | none		and license: TEXT | none signature: trusted | none | unknown-key |
 *bad | damaged versions: none | basic | extended | both	the tables it carries
 *	  module_layout: HEX | none	its version of that symbol
 *	  needs: NAME [weak] [version=HEX|none] [extended=HEX|none]
 *	  exports: NAME [gpl] [version=HEX|none] [namespace=TEXT]
 *	  tables: flags | sections | both | none	of its exports: __kflagstab,
 *__ksymtab_gpl livepatch: yes		btf: sane | damaged imports: NAMESPACE...
 *so depends:, softdep:, firmware: (not there)
 *	  state: in-use not-built headers-missing unaliased	any of them
 *	  install: COMMAND		modprobe.d's, which loads nothing
 *	  expect: VERDICT REASON...	all reasons in order: CODE or CODE=ABOUT; ~ before
 *					one that does not refuse the module
 *	  says: TEXT			is part of one of its reasons
 */
#include "run-compat.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "core/compat.h"
#include "run-answers.h"

#define MODULES_MAX    512
#define VERSION_FITS   0x11111111
#define VERSION_ABSENT (-1)

struct player {
	struct module_file file;
	struct third_party known;
	struct compat_module item;
	bool no_file, basic, extended;
	long long layout_version;
	char *expected, *install;
	struct strv says;
	const char *answer; /* a real kernel's, or NULL */
};

struct scene {
	struct kernel_abi abi;
	struct player players[MODULES_MAX];
	size_t count;
	struct player *now; /* whose lines are read, NULL before the first */
	struct strv texts;  /* what files only borrow */
	struct compat_set set;
};

static const struct kernel {
	const char *name, *release;
	uint64_t layout;
	bool layout_checked, modversions, export_flags, btf_fatal;
} kernels[] = {
	{"6.1", "6.1.0-56-amd64", 896, false, true, false, false},
	{"6.12", "6.12.117+deb12-amd64", 1280, true, true, false, false},
	{"7.3", "7.3.4+deb13-amd64", 1280, true, false, true, true},
	{"real", NULL, 0, true, true, false, false},
};

struct option {
	const char *name;
	size_t offset; /* of a bool in struct kernel_abi */
};
#define OPTION(name, member)                              \
	{                                                 \
		name, offsetof(struct kernel_abi, member) \
	}
static const struct option options[] = {
	OPTION("layout-checked", layout_checked),
	OPTION("modversions", modversions),
	OPTION("force-load", force_load),
	OPTION("sig-checked", sig_checked),
	OPTION("sig-enforced", sig_enforced),
	OPTION("livepatch", livepatch),
	OPTION("btf-fatal", btf_fatal),
	OPTION("export-flags", export_flags),
	OPTION("missing-import-allowed", missing_import_allowed),
	OPTION("missing-version-allowed", missing_version_allowed),
};

static const char *keep(struct scene *s, const char *text)
{
	strv_add(&s->texts, text);
	return s->texts.items[s->texts.count - 1];
}

static int unknown(const char *word, struct error *err)
{
	return error_set(err, -1, "\"%s\" is not understood here", word);
}

static int read_option(struct kernel_abi *abi, const char *word, struct error *err)
{
	bool off = str_starts(word, "no-");

	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		if (str_eq(options[i].name, word + (off ? strlen("no-") : 0))) {
			bool *option = (bool *)((char *)abi + options[i].offset);

			*option = !off;
			return 0;
		}
	return unknown(word, err);
}

static int kernel_preset(struct kernel_abi *abi, const char *name, struct error *err)
{
	for (size_t i = 0; i < ARRAY_LEN(kernels); i++) {
		const struct kernel *kernel = &kernels[i];

		if (!str_eq(kernel->name, name))
			continue;
		*abi = (struct kernel_abi){
			.release = str_dup(kernel->release),
			.machine = EM_X86_64,
			.layout = kernel->layout,
			.layout_checked = kernel->layout_checked,
			.modversions = kernel->modversions,
			.export_flags = kernel->export_flags,
			.btf_fatal = kernel->btf_fatal,
			.force_load = true,
			.sig_checked = true,
			.livepatch = true,
			.config_known = true,
			.symbols = symbol_table_new(),
		};
		return 0;
	}
	return unknown(name, err);
}

static int key_kernel(struct scene *s, const char *value, struct error *err)
{
	static const struct symbol module_layout = {"module_layout", "",   "",
						    VERSION_FITS,    true, false};
	autostrv struct strv words = {0};

	strv_split(&words, value, " ");
	if (s->abi.symbols || words.count == 0)
		return unknown(value, err);
	if (kernel_preset(&s->abi, words.items[0], err) < 0)
		return -1;
	for (size_t i = 1; i < words.count; i++)
		if (read_option(&s->abi, words.items[i], err) < 0)
			return -1;
	if (!s->abi.release)
		return 0;
	s->abi.vermagic = str_format("%s SMP preempt mod_unload%s", s->abi.release,
				     s->abi.modversions ? " modversions" : "");
	return symbol_table_add(s->abi.symbols, &module_layout);
}

static int key_release(struct scene *s, const char *value, struct error *err)
{
	(void)err; /* any text is one */
	free(s->abi.release);
	s->abi.release = str_eq(value, "none") ? NULL : str_dup(value);
	return 0;
}

/* What stands behind the "name=" of a word, or NULL. */
static const char *word_value(const char *word, const char *name)
{
	size_t len = strlen(name);

	return str_starts(word, name) && word[len] == '=' ? word + len + 1 : NULL;
}

static long long version_of(const char *text)
{
	return str_eq(text, "none") ? VERSION_ABSENT : strtoll(text, NULL, 16);
}

/* NAME [gpl] [version=HEX|none] [namespace=TEXT] [owner=MODULE] */
static int read_symbol(struct scene *s, const char *value, struct symbol *ret,
		       struct error *err)
{
	struct symbol symbol = {NULL, "", "", VERSION_FITS, s->abi.modversions, false};
	autostrv struct strv words = {0};

	strv_split(&words, value, " ");
	for (size_t i = 1; i < words.count; i++) {
		const char *word = words.items[i];
		const char *version = word_value(word, "version");
		const char *space = word_value(word, "namespace");
		const char *owner = word_value(word, "owner");

		if (version) {
			symbol.has_crc = version_of(version) != VERSION_ABSENT;
			symbol.crc = (uint32_t)version_of(version);
		} else if (space) {
			symbol.name_space = keep(s, space);
		} else if (owner) {
			symbol.owner = keep(s, owner);
		} else if (str_eq(word, "gpl")) {
			symbol.gpl = true;
		} else {
			return unknown(word, err);
		}
	}
	if (words.count == 0)
		return unknown(value, err);
	symbol.name = keep(s, words.items[0]);
	*ret = symbol;
	return 0;
}

static int key_symbol(struct scene *s, const char *value, struct error *err)
{
	struct symbol symbol;

	if (read_symbol(s, value, &symbol, err) < 0)
		return -1;
	if (symbol_table_add(s->abi.symbols, &symbol) < 0)
		return error_set(err, -1, "the kernel has it already");
	return 0;
}

static int key_tree(struct scene *s, const char *value, struct error *err)
{
	(void)err; /* any words are names; so below */
	strv_split(&s->abi.in_tree, value, " ");
	strv_sort(&s->abi.in_tree);
	return 0;
}

static int key_loaded(struct scene *s, const char *value, struct error *err)
{
	(void)err; /* names */
	strv_split(&s->abi.loaded, value, " ");
	return 0;
}

static int key_own(struct scene *s, const char *value, struct error *err)
{
	autostrv struct strv words = {0};
	struct kernel_own *own;

	strv_split(&words, value, " ");
	if (words.count == 0)
		return unknown(value, err);
	s->abi.own = mem_regrow(s->abi.own, s->abi.own_count + 1, sizeof(*s->abi.own));
	own = &s->abi.own[s->abi.own_count++];
	*own = (struct kernel_own){str_dup(words.items[0]), symbol_table_new()};
	for (size_t i = 1; i < words.count; i++) {
		char *version = strchr(words.items[i], '=');
		struct symbol need = {words.items[i], "", "", VERSION_FITS, true, false};

		if (version) {
			*version = '\0';
			need.crc = (uint32_t)version_of(version + 1);
		}
		if (symbol_table_add(own->needs, &need) < 0)
			return unknown(words.items[i], err);
	}
	return 0;
}

static int key_built_in(struct scene *s, const char *value, struct error *err)
{
	(void)err; /* names */
	strv_split(&s->abi.built_in, value, " ");
	return 0;
}

static int key_taken(struct scene *s, const char *value, struct error *err)
{
	(void)err; /* names */
	strv_split(&s->abi.taken, value, " ");
	return 0;
}

static int key_blacklisted(struct scene *s, const char *value, struct error *err)
{
	(void)err; /* names */
	strv_split(&s->abi.blacklisted, value, " ");
	return 0;
}

static int key_module(struct scene *s, const char *value, struct error *err)
{
	struct player *p = &s->players[s->count];
	autofree char *name = str_dup(value);

	if (s->count == MODULES_MAX)
		return error_set(err, -1, "there are too many modules");
	for (char *dash = strchr(name, '-'); dash; dash = strchr(dash, '-'))
		*dash = '_';
	p->file = (struct module_file){
		.name = keep(s, name),
		.machine = s->abi.machine,
		.layout = s->abi.layout,
		.vermagic = s->abi.vermagic ? keep(s, s->abi.vermagic) : NULL,
		.license = "GPL",
		.has_export_flags = s->abi.export_flags,
		.has_gpl_exports = !s->abi.export_flags,
	};
	p->known = (struct third_party){.name = str_dup(value),
					.provider = PROVIDER_DKMS,
					.use = MODULE_USE_NONE};
	p->item.trust = SIGNATURE_TRUSTED;
	p->basic = s->abi.modversions;
	p->layout_version = VERSION_FITS;
	s->now = p;
	s->count++;
	return 0;
}

static int key_file(struct scene *s, const char *value, struct error *err)
{
	static const char malformed[] = "malformed ";
	const char *name = s->now->file.name;

	if (str_eq(value, "none")) {
		s->now->no_file = true;
		return 0;
	}
	if (!str_starts(value, malformed))
		return unknown(value, err);
	s->now->file = (struct module_file){.name = name,
					    .fault = str_dup(value + strlen(malformed))};
	s->now->basic = false;
	return 0;
}

static int read_number(const char *value, unsigned long long max, unsigned long long *ret,
		       struct error *err)
{
	return str_to_u64(value, 0, max, ret) < 0 ? unknown(value, err) : 0;
}

static int key_machine(struct scene *s, const char *value, struct error *err)
{
	unsigned long long machine;

	if (read_number(value, UINT16_MAX, &machine, err) < 0)
		return -1;
	s->now->file.machine = (uint16_t)machine;
	return 0;
}

static int key_layout(struct scene *s, const char *value, struct error *err)
{
	unsigned long long layout;

	if (read_number(value, UINT64_MAX, &layout, err) < 0)
		return -1;
	*(s->now ? &s->now->file.layout : &s->abi.layout) = layout;
	return 0;
}

static int key_vermagic(struct scene *s, const char *value, struct error *err)
{
	const char *text = str_eq(value, "none") ? NULL : keep(s, value);

	(void)err; /* any text is one */
	if (s->now) {
		s->now->file.vermagic = text;
		return 0;
	}
	free(s->abi.vermagic);
	s->abi.vermagic = str_dup(text);
	return 0;
}

static int key_license(struct scene *s, const char *value, struct error *err)
{
	(void)err; /* any text is one */
	s->now->file.license = str_eq(value, "none") ? NULL : keep(s, value);
	return 0;
}

static int key_signature(struct scene *s, const char *value, struct error *err)
{
	s->now->file.signature.signer = "somebody";
	if (str_eq(value, "damaged")) {
		s->now->item.trust = SIGNATURE_BAD;
		s->now->file.signature.malformed = true;
		return 0;
	}
	for (int i = 0; i < SIGNATURE_TRUSTS; i++)
		if (str_eq(signature_trust_name((enum signature_trust)i), value)) {
			s->now->item.trust = (enum signature_trust)i;
			return 0;
		}
	return unknown(value, err);
}

static int key_versions(struct scene *s, const char *value, struct error *err)
{
	bool both = str_eq(value, "both");

	if (!both && !str_eq(value, "none") && !str_eq(value, "basic") &&
	    !str_eq(value, "extended"))
		return unknown(value, err);
	s->now->basic = both || str_eq(value, "basic");
	s->now->extended = both || str_eq(value, "extended");
	return 0;
}

static int key_module_layout(struct scene *s, const char *value, struct error *err)
{
	(void)err; /* what is no number is 0 */
	s->now->layout_version = version_of(value);
	return 0;
}

static void add_version(struct module_version **list, size_t *count, const char *symbol,
			long long version)
{
	if (version == VERSION_ABSENT)
		return;
	*list = mem_regrow(*list, *count + 1, sizeof(**list));
	(*list)[(*count)++] = (struct module_version){symbol, (uint32_t)version};
}

static int key_needs(struct scene *s, const char *value, struct error *err)
{
	struct module_file *file = &s->now->file;
	long long basic = VERSION_FITS, extended = VERSION_FITS;
	struct module_import import = {0};
	autostrv struct strv words = {0};

	strv_split(&words, value, " ");
	for (size_t i = 1; i < words.count; i++) {
		const char *word = words.items[i];

		if (str_eq(word, "weak"))
			import.weak = true;
		else if (word_value(word, "version"))
			basic = version_of(word_value(word, "version"));
		else if (word_value(word, "extended"))
			extended = version_of(word_value(word, "extended"));
		else
			return unknown(word, err);
	}
	import.symbol = keep(s, words.count ? words.items[0] : "");
	file->imports = mem_regrow(file->imports, file->import_count + 1, sizeof(import));
	file->imports[file->import_count++] = import;
	add_version(&file->versions, &file->version_count, import.symbol, basic);
	add_version(&file->versions_ext, &file->version_ext_count, import.symbol,
		    extended);
	return 0;
}

static int key_exports(struct scene *s, const char *value, struct error *err)
{
	struct module_file *file = &s->now->file;
	struct symbol symbol;

	if (read_symbol(s, value, &symbol, err) < 0)
		return -1;
	symbol.owner = file->name;
	file->exports = mem_regrow(file->exports, file->export_count + 1, sizeof(symbol));
	file->exports[file->export_count++] = symbol;
	return 0;
}

static int key_tables(struct scene *s, const char *value, struct error *err)
{
	bool both = str_eq(value, "both");

	s->now->file.has_export_flags = both || str_eq(value, "flags");
	s->now->file.has_gpl_exports = both || str_eq(value, "sections");
	return str_eq(value, "none") || s->now->file.has_export_flags ||
			       s->now->file.has_gpl_exports
		       ? 0
		       : unknown(value, err);
}

static int key_doubled(struct scene *s, const char *value, struct error *err)
{
	(void)err; /* any name is one */
	s->now->file.doubled = keep(s, value);
	return 0;
}

static int key_livepatch(struct scene *s, const char *value, struct error *err)
{
	s->now->file.livepatch = true;
	return str_eq(value, "yes") ? 0 : unknown(value, err);
}

static int key_btf(struct scene *s, const char *value, struct error *err)
{
	s->now->file.has_btf = true;
	s->now->file.btf_sane = str_eq(value, "sane");
	return str_eq(value, "sane") || str_eq(value, "damaged") ? 0
								 : unknown(value, err);
}

static int key_imports(struct scene *s, const char *value, struct error *err)
{
	(void)err; /* names; so below */
	strv_split(&s->now->file.namespaces, value, " ");
	return 0;
}

static int key_depends(struct scene *s, const char *value, struct error *err)
{
	(void)err; /* names */
	strv_split(&s->now->file.depends, value, " ");
	return 0;
}

static int key_softdep(struct scene *s, const char *value, struct error *err)
{
	(void)err; /* names */
	strv_split(&s->now->file.softdeps_pre, value, " ");
	return 0;
}

static int key_firmware(struct scene *s, const char *value, struct error *err)
{
	(void)err; /* names */
	strv_split(&s->now->item.no_firmware, value, " ");
	return 0;
}

static int key_state(struct scene *s, const char *value, struct error *err)
{
	autostrv struct strv words = {0};

	strv_split(&words, value, " ");
	for (size_t i = 0; i < words.count; i++) {
		if (str_eq(words.items[i], "in-use"))
			s->now->known.use = MODULE_USE_LOADED;
		else if (str_eq(words.items[i], "not-built"))
			s->now->item.not_built = true;
		else if (str_eq(words.items[i], "headers-missing"))
			s->now->item.headers_missing = true;
		else if (str_eq(words.items[i], "unaliased"))
			s->now->item.unaliased = true;
		else
			return unknown(words.items[i], err);
	}
	return 0;
}

static int key_install(struct scene *s, const char *value, struct error *err)
{
	(void)err; /* a shell's */
	free(s->now->install);
	s->now->item.install = s->now->install = str_dup(value);
	return 0;
}

static int key_expect(struct scene *s, const char *value, struct error *err)
{
	if (s->now->expected)
		return error_set(err, -1, "the module has an expectation already");
	s->now->expected = str_dup(value);
	return 0;
}

static int key_answer(struct scene *s, const char *value, struct error *err)
{
	for (size_t i = 0; i < s->count; i++) {
		struct player *p = &s->players[i];

		if (!answer_is_of(value, p->file.name))
			continue;
		if (p->expected || p->answer)
			break;
		p->answer = keep(s, value);
		return 0;
	}
	return unknown(value, err);
}

static int key_says(struct scene *s, const char *value, struct error *err)
{
	(void)err; /* any text is one */
	strv_add(&s->now->says, value);
	return 0;
}

static const struct key {
	const char *name;
	bool of_module; /* stands below a module: line */
	int (*read)(struct scene *s, const char *value, struct error *err);
} keys[] = {
	{"kernel", false, key_kernel},
	{"release", false, key_release},
	{"symbol", false, key_symbol},
	{"tree", false, key_tree},
	{"loaded", false, key_loaded},
	{"own", false, key_own},
	{"built-in", false, key_built_in},
	{"taken", false, key_taken},
	{"blacklisted", false, key_blacklisted},
	{"module", false, key_module},
	{"vermagic", false, key_vermagic},
	{"file", true, key_file},
	{"machine", true, key_machine},
	{"layout", false, key_layout},
	{"license", true, key_license},
	{"signature", true, key_signature},
	{"versions", true, key_versions},
	{"module_layout", true, key_module_layout},
	{"needs", true, key_needs},
	{"exports", true, key_exports},
	{"tables", true, key_tables},
	{"doubled", true, key_doubled},
	{"livepatch", true, key_livepatch},
	{"btf", true, key_btf},
	{"imports", true, key_imports},
	{"depends", true, key_depends},
	{"softdep", true, key_softdep},
	{"firmware", true, key_firmware},
	{"state", true, key_state},
	{"install", true, key_install},
	{"expect", true, key_expect},
	{"says", true, key_says},
	{"answer", true, key_answer},
};

static int read_line(struct scene *s, char *line, struct error *err)
{
	char *name = str_strip(line);
	char *value = strstr(name, ": ");

	if (!*name || *name == '#')
		return 0;
	if (!value)
		return error_set(err, -1, "\"%s\" is no \"key: value\"", name);
	*value = '\0';
	value = str_strip(value + 2);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		if (!str_eq(keys[i].name, name))
			continue;
		if ((keys[i].of_module && !s->now) ||
		    (!s->abi.symbols && keys[i].read != key_kernel))
			return error_set(err, -1, "\"%s\" stands too early", name);
		if (keys[i].read(s, value, err) < 0)
			return error_prefix(err, -1, "%s: %s", name, value);
		return 0;
	}
	return unknown(name, err);
}

static void stage(struct scene *s)
{
	s->set.items = mem_zalloc(s->count * sizeof(*s->set.items));
	s->set.count = s->count;
	for (size_t i = 0; i < s->count; i++) {
		struct player *p = &s->players[i];
		struct module_file *file = &p->file;

		file->has_versions = p->basic;
		file->has_versions_ext = p->extended;
		add_version(&file->versions, &file->version_count, "module_layout",
			    p->layout_version);
		add_version(&file->versions_ext, &file->version_ext_count,
			    "module_layout", p->layout_version);
		s->set.items[i] = p->item;
		s->set.items[i].known = &p->known;
		s->set.items[i].file = p->no_file ? NULL : file;
		p->item.no_firmware = (struct strv){0}; /* the set's now */
	}
}

static char *judged_as(const struct compat_module *module)
{
	struct text text = {0};

	text_append(&text, compat_verdict_name(module->verdict));
	for (size_t i = 0; i < module->reason_count; i++) {
		const struct compat_reason *reason = &module->reasons[i];

		text_appendf(&text, " %s%s%s%s", reason->fatal ? "" : "~",
			     compat_code_name(reason->code), reason->symbol ? "=" : "",
			     reason->symbol ? reason->symbol : "");
	}
	return text_take(&text);
}

static bool says(const struct compat_module *module, const char *words)
{
	for (size_t i = 0; i < module->reason_count; i++)
		if (strstr(module->reasons[i].detail, words))
			return true;
	return false;
}

static int compare(const struct scene *s, size_t number, struct error *err)
{
	const struct player *p = &s->players[number];
	const struct compat_module *module = &s->set.items[number];
	autofree char *judged = judged_as(module);

	if (p->answer)
		return answer_compare(p->answer, &s->abi, &s->set, err);
	if (!p->expected)
		return error_set(err, -1, "of %s nothing is expected", p->file.name);
	if (!str_eq(p->expected, judged))
		return error_set(err, -1, "%s: %s", p->file.name, judged);
	for (size_t i = 0; i < p->says.count; i++)
		if (!says(module, p->says.items[i]))
			return error_set(err, -1, "%s does not say \"%s\" but \"%s\"",
					 p->file.name, p->says.items[i],
					 module->reason_count ? module->reasons[0].detail
							      : "");
	return 0;
}

static void scene_done(struct scene *s)
{
	for (size_t i = 0; i < s->count; i++) {
		struct player *p = &s->players[i];

		module_file_done(&p->file);
		strv_done(&p->item.no_firmware);
		strv_done(&p->says);
		free(p->known.name);
		free(p->expected);
		free(p->install);
	}
	kernel_abi_done(&s->abi);
	compat_set_done(&s->set);
	strv_done(&s->texts);
	free(s);
}

static void scene_cleanup(struct scene **s)
{
	scene_done(*s);
}

int compat_case(const char *name, const char *text, struct error *err)
{
	cleanup(scene_cleanup) struct scene *s = mem_zalloc(sizeof(*s));
	autostrv struct strv lines = {0};

	(void)name; /* modules do not show it */
	strv_split(&lines, text, "\n");
	for (size_t i = 0; i < lines.count; i++)
		if (read_line(s, lines.items[i], err) < 0)
			return -1;
	if (s->count == 0)
		return error_set(err, -1, "it has no module");
	stage(s);
	for (int again = 0; again < 2; again++) { /* a second time gives the same */
		compat_judge(&s->abi, &s->set);
		for (size_t i = 0; i < s->count; i++)
			if (compare(s, i, err) < 0)
				return -1;
	}
	return 0;
}
