#include "rag/settings.h"

struct row {
	const char *name, *environment, *flag, *help;
	size_t offset;
	const char *string; /* the default; NULL for numbers */
	uint64_t number, min, max;
};

static const struct row rows[] = {
#define STRING(name, environment, flag, value, help) \
	{ #name, environment, flag, help, offsetof(struct settings, name), value, 0, 0, 0 },
#define NUMBER(name, environment, flag, value, min, max, help) \
	{ #name, environment, flag, help, offsetof(struct settings, name), NULL, value, min, max },
#include "rag/settings.def"
#undef STRING
#undef NUMBER
};

static err_t put(struct settings *settings, const struct row *row, const char *value,
		 const char *called, struct text *why)
{
	uint64_t number;

	if (row->string) {
		*(const char **)((char *)settings + row->offset) = value;
		return ERR_OK;
	}
	if (bytes_to_u64(bytes_of(value), row->max, &number) || number < row->min) {
		text_printf(why, "%s must be a number from %llu to %llu, not \"%.40s\".", called,
			    (unsigned long long)row->min, (unsigned long long)row->max, value);
		return ERR_INVALID;
	}
	*(uint64_t *)((char *)settings + row->offset) = number;
	return ERR_OK;
}

static const struct row *row_of_flag(struct bytes flag)
{
	for (size_t i = 0; i < COUNT(rows); i++)
		if (rows[i].flag && bytes_eq_str(flag, rows[i].flag))
			return &rows[i];
	return NULL;
}

/* "--port 80" and "--port=80"; *at moves past what was read. */
static err_t read_flag(int argc, char *const argv[], int *at, struct settings *settings,
		       struct text *why)
{
	struct bytes argument = bytes_of(argv[*at]);
	size_t equals = bytes_index(argument, '=');
	const struct row *row = row_of_flag(bytes_upto(argument, equals));
	const char *value;

	if (bytes_eq_str(argument, "--help") || bytes_eq_str(argument, "-h")) {
		settings->help = true;
		return ERR_OK;
	}
	if (!row) {
		text_printf(why, "There is no option \"%.40s\"; see ragd --help.", argv[*at]);
		return ERR_INVALID;
	}
	if (equals != SIZE_MAX) {
		value = argv[*at] + equals + 1;
	} else if (*at + 1 < argc) {
		value = argv[++*at];
	} else {
		text_printf(why, "%s needs a value.", row->flag);
		return ERR_INVALID;
	}
	return put(settings, row, value, row->flag, why);
}

err_t settings_read(int argc, char *const argv[], const char *(*environment)(const char *name),
		    struct settings *ret_settings, struct text *why)
{
	struct settings settings = { .help = false };

	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *value = environment(rows[i].environment);

		if (rows[i].string)
			TRY(put(&settings, &rows[i], rows[i].string, rows[i].name, why));
		else
			*(uint64_t *)((char *)&settings + rows[i].offset) = rows[i].number;
		if (value && *value)
			TRY(put(&settings, &rows[i], value, rows[i].environment, why));
	}
	for (int at = 1; at < argc; at++)
		TRY(read_flag(argc, argv, &at, &settings, why));
	/* As AWS's own tools have it: one endpoint for all services, where there is one. */
	if (!settings.s3_endpoint[0] && environment("AWS_ENDPOINT_URL"))
		settings.s3_endpoint = environment("AWS_ENDPOINT_URL");
	*ret_settings = settings;
	return ERR_OK;
}

static void help_row(struct text *out, const struct row *row)
{
	text_printf(out, "  %-13s %-22s %s", row->flag ? row->flag : "", row->environment,
		    row->help);
	if (!row->string)
		text_printf(out, " [%llu]", (unsigned long long)row->number);
	else if (row->string[0])
		text_printf(out, " [%s]", row->string);
	text_add_char(out, '\n');
}

void settings_help(struct text *out)
{
	text_add_str(
		out,
		"ragd: answers questions from documents, with citations, as a stream\n\n"
		"usage: ragd [options]        serves\n"
		"       ragd check [options]  says what would be wrong, and shows the settings\n\n"
		"  flag          environment            meaning [default]\n");
	for (size_t i = 0; i < COUNT(rows); i++)
		help_row(out, &rows[i]);
	text_add_str(out,
		     "\n  --help        shows this\n\n"
		     "A flag wins over the environment. SIGTERM lets running answers finish; a "
		     "second one stops at once.\nExit: 0 stopped as told, 1 failed, 2 wrong "
		     "options, or something in the way at the start.\n");
}
