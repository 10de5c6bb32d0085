/*
 * keeper_root: a program's own root, an image's. What it writes goes into its folder, where the
 * kernel allows an overlay; it sees this machine's processes and network.
 */
#ifndef ENGINE_KEEPER_ROOT_H
#define ENGINE_KEEPER_ROOT_H

#include <stdbool.h>

/*
 * In the child, before it gives up what it may. False, errno set: the root cannot be entered.
 * *ret_entered is false where no namespace is allowed: then the root is a folder like any other.
 */
bool keeper_enter_root(const char *root, const char *folder, bool *ret_entered);

#endif
