/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_ANALYZER_MATCH_PATH_H
#define AVOUCH_ANALYZER_MATCH_PATH_H

#include "parsers/base/text.h"

/* path_normalize() takes nothing away behind so many components ("/device/harddiskvolume3"). */
enum { PATH_PREFIX_COMPONENTS = 2 };

/* A normalised and folded path without "/windows.old", where an older system was set aside. */
struct text path_without_old_root(struct text folded);

/*
 * Whether path_normalize() leaves a name as it is behind a folder that it leaves as it is. Careful:
 * false also for some that it would leave.
 */
bool path_name_is_plain(struct text name);

#endif
