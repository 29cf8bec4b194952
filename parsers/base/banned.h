/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions that have no place here, made compile errors; included by every .c through the build.
 * Copying without a bound, hidden state, the machine's own clock zone and locale.
 */
#ifndef AVOUCH_PARSERS_BASE_BANNED_H
#define AVOUCH_PARSERS_BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#pragma GCC poison strcpy strcat strncpy strncat strtok sprintf vsprintf gets
#pragma GCC poison gmtime localtime ctime asctime mktime strftime localtime_r gmtime_r
#pragma GCC poison atoi atol atoll tmpnam mktemp alloca setlocale

#endif
