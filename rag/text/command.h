/*
 * command: text that tells whoever reads it what to do, as planted instructions do. Pure.
 *
 * A document's words are quoted, never obeyed; text that tries ranks lower, and is marked for a
 * model that reads it.
 */
#ifndef RAG_TEXT_COMMAND_H
#define RAG_TEXT_COMMAND_H

#include "base/text.h"

bool command_in(struct bytes text);

/*
 * Appends the text for a model's eyes: control characters and marks that turn the direction of
 * writing are gone, and words of role at the start of a line ("system:", "<|im_start|>") are
 * put in quotes, so that nothing in it looks like a turn of the conversation.
 */
void command_disarm(struct text *out, struct bytes text);

#endif
