#include "rag/text/command.h"

#include <pthread.h>

#include "rag/text/pairs.h"

/* Lower case; a star stands for any words of the same sentence. */
static const char *const commands[] = {
	"ignore*previous*instruction",
	"ignore*above*instruction",
	"ignore*all*instruction",
	"disregard*instruction",
	"disregard*above",
	"forget*instruction",
	"forget*you were told",
	"override*instruction",
	"new instructions:",
	"system prompt",
	"system message",
	"you are now ",
	"act as if you",
	"pretend to be",
	"pretend you",
	"do not tell the user",
	"don't tell the user",
	"as an ai",
	"reveal your",
	"print your instructions",
	"repeat your instructions",
	"respond only with",
	"reply only with",
	"answer only with",
	"always answer",
	"always recommend",
	"when asked*say",
	"when asked*answer",
	"if asked*say",
	"the assistant must",
	"the assistant should",
	"the model must",
	"developer mode",
	"jailbreak",
	"<|im_start|>",
	"[inst]",
	"### instruction",
	"begin new context",
	"end of context",
	"send the conversation",
	"exfiltrate",
	"![](http",
};

enum { GAP_MAX = 60 }; /* between the parts of a command */

static bool here(struct bytes text, size_t at, struct bytes needle)
{
	return at + needle.len <= text.len &&
	       bytes_eq_nocase(bytes_make(text.at + at, needle.len), needle);
}

static bool goes_on(struct bytes text, size_t at, struct bytes rest)
{
	struct bytes part;

	while (bytes_cut(&rest, '*', &part)) {
		size_t gap = 0;

		while (gap <= GAP_MAX && !here(text, at + gap, part)) {
			if (at + gap >= text.len || text.at[at + gap] == '\n')
				return false;
			gap++;
		}
		if (gap > GAP_MAX)
			return false;
		at += gap + part.len;
	}
	return true;
}

static struct pairs begins;
static pthread_once_t begins_once = PTHREAD_ONCE_INIT;

static void begins_fill(void)
{
	for (size_t i = 0; i < COUNT(commands); i++)
		pairs_add(&begins, commands[i]);
}

static bool begins_here(struct bytes text, size_t at)
{
	for (size_t i = 0; i < COUNT(commands); i++) {
		struct bytes rest = bytes_of(commands[i]), first;

		if (ascii_lower(text.at[at]) != commands[i][0])
			continue;
		bytes_cut(&rest, '*', &first);
		if (here(text, at, first) && goes_on(text, at + first.len, rest))
			return true;
	}
	return false;
}

bool command_in(struct bytes text)
{
	pthread_once(&begins_once, begins_fill);
	for (size_t at = 0; at + 1 < text.len; at++)
		if (pairs_may(&begins, text, at) && begins_here(text, at))
			return true;
	return false;
}

static const char *const roles[] = { "system", "assistant", "user", "developer",
				     "tool",   "human",	    "ai",   "instruction" };

/* "System:", "### Assistant:" at the start of a line. */
static bool is_role_line(struct bytes line)
{
	size_t at = 0;

	while (at < line.len && strchr("#*>_ \t-", line.at[at]))
		at++;
	line = bytes_from(line, at);
	for (size_t i = 0; i < COUNT(roles); i++) {
		struct bytes role = bytes_of(roles[i]);

		if (!bytes_starts_nocase(line, role))
			continue;
		at = role.len;
		while (at < line.len && strchr("s* \t", line.at[at]))
			at++;
		if (at < line.len && line.at[at] == ':')
			return true;
	}
	return false;
}

/* U+202A … U+202E, U+2066 … U+2069, U+200E, U+200F: three bytes each. */
static bool turns_direction(struct bytes text, size_t at)
{
	unsigned char c;

	if (at + 3 > text.len || (unsigned char)text.at[at] != 0xE2)
		return false;
	c = (unsigned char)text.at[at + 2];
	if ((unsigned char)text.at[at + 1] == 0x80)
		return (c >= 0xAA && c <= 0xAE) || c == 0x8E || c == 0x8F;
	return (unsigned char)text.at[at + 1] == 0x81 && c >= 0xA6 && c <= 0xA9;
}

/* First what cannot be seen goes: it could stand between a role and the start of its line. */
static void strip(struct text *out, struct bytes text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.at[i];

		if (turns_direction(text, i))
			i += 2;
		else if (c == '<' && i + 1 < text.len && text.at[i + 1] == '|')
			text_add_str(out, "< ");
		else if ((c >= 0x20 || c == '\t' || c == '\n') && c != 0x7F)
			text_add_char(out, (char)c);
	}
}

void command_disarm(struct text *out, struct bytes text)
{
	struct text seen = TEXT_INIT(text.len * 2 + 16);
	struct bytes rest, line;
	bool first = true;

	strip(&seen, text);
	rest = text_bytes(&seen);
	while (bytes_cut(&rest, '\n', &line)) {
		text_add_str(out, first ? "" : "\n");
		first = false;
		text_add_str(out, is_role_line(line) ? "(quoted) " : "");
		text_add(out, line);
	}
	text_fini(&seen);
}
