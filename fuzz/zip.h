/*
 * zip: a zip file made of a text, so that changes of the text come through to who reads its parts.
 *
 *     @word/document.xml
 *     <document>...
 *     @word/styles.xml
 *     ...
 */
#ifndef FUZZ_ZIP_H
#define FUZZ_ZIP_H

#include "base/text.h"

enum { ZIP_MAX_BYTES = 1 << 20, ZIP_PARTS_MAX = 64 };

/* Appends the file, its parts stored and their sums right. */
void zip_pack(struct text *out, struct bytes parts);

#endif
