#include "cli/commands.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

const struct command cli_commands[] = {
	{ "call", "[SERVICE [OPERATION [JSON]]]", "run any operation of the API, JSON in, JSON out",
	  "Without OPERATION: those there are. JSON is the operation's input, '-' reads it from standard input. Names are AWS's:\n"
	  "  weir call elbv2 DescribeLoadBalancers\n"
	  "  weir call elbv2 DescribeTargetHealth '{\"TargetGroupArn\": \"…\"}'\n",
	  TAKES_OUTPUT, command_call },
	{ "status", "", "load balancers, listeners, targets and their health", "", TAKES_OUTPUT,
	  command_status },
	{ "streams", "[--watch]", "what runs through the balancer right now",
	  "With --watch the table is drawn again every second until interrupted.\n",
	  TAKES_OUTPUT | TAKES_WATCH, command_streams },
	{ "logs", "[-f] [GROUP] [--filter PATTERN]", "log events of a group, as they come with -f",
	  "Without GROUP: the groups there are. Load balancers write to /aws/applicationelb/NAME.\n"
	  "PATTERN is a filter pattern of CloudWatch Logs. Shown are the last ten minutes, and what\n"
	  "comes; with -o json whole events, one a line.\n"
	  "  weir logs -f /aws/applicationelb/mindr-alb --filter '[..., status = 5*, t, r, s, q]'\n",
	  TAKES_OUTPUT | TAKES_FOLLOW | TAKES_FILTER, command_logs },
	{ "explain", "TRACE-ID|ADDRESS", "what became of a request, and what to do about it",
	  "TRACE-ID is X-Amzn-Trace-Id's value or a part of it, from the request, the target's log or\n"
	  "the access log. ADDRESS asks about security groups: which listeners drop that client, which\n"
	  "load balancers do not reach that target, and what is missing.\n"
	  "  weir explain 1-6b0246d0-157bb8471d98233f9d43f682\n"
	  "  weir explain 10.0.0.7\n",
	  TAKES_OUTPUT, command_explain },
	{ "env", "", "export lines for the AWS tools: eval \"$(weir env)\"", "", 0, command_env },
	{ "drain", "TARGET-GROUP TARGET[:PORT] [--wait]",
	  "take a target out of service, streams finish",
	  "TARGET-GROUP is a name or an ARN. With --wait, returns when its last stream has ended.\n",
	  TAKES_WAIT, command_drain },
	{ "reset", "", "delete every resource (needs `weir serve --allow-reset`)", "", 0,
	  command_reset },
	{ .name = NULL },
};

int command_fail(int code, const char *format, ...)
{
	va_list args;

	fputs("weir: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return code;
}

void print_json(const json_t *value)
{
	json_dumpf(value, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY);
	putchar('\n');
}

void table_init(struct table *table, const char *const header[])
{
	table->rows = json_array();
	table_row(table, header);
}

void table_row(struct table *table, const char *const cells[])
{
	json_t *row = json_array();

	for (size_t i = 0; cells[i]; i++)
		json_array_append_new(row, json_string(cells[i]));
	json_array_append_new(table->rows, row);
}

/* Columns of a terminal: UTF-8 continuation bytes take none. */
static size_t columns_of(const char *text)
{
	size_t columns = 0;

	for (; *text; text++)
		columns += (*text & 0xc0) != 0x80;
	return columns;
}

static size_t widest(const struct table *table, size_t column)
{
	size_t width = 0;

	for (size_t i = 0; i < json_array_size(table->rows); i++) {
		const json_t *cell = json_array_get(json_array_get(table->rows, i), column);

		width = size_max(width, cell ? columns_of(json_string_value(cell)) : 0);
	}
	return width;
}

void table_print(const struct table *table)
{
	for (size_t i = 0; i < json_array_size(table->rows); i++) {
		const json_t *row = json_array_get(table->rows, i);
		size_t last = json_array_size(row) - 1;

		for (size_t k = 0; k <= last; k++) {
			const char *text = json_string_value(json_array_get(row, k));
			size_t pad = k == last ? 0 : widest(table, k) - columns_of(text) + 2;

			printf("%s%*s", text, (int)pad, "");
		}
		putchar('\n');
	}
}

void table_fini(struct table *table)
{
	json_decref(table->rows);
	table->rows = NULL;
}
