/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions that have no place here: copying without a bound, hidden state, the clock zone and
 * the locale of the machine that runs us. tests/rules reads this list and refuses calls of them.
 */
#ifndef AVOUCH_PARSERS_BASE_BANNED_H
#define AVOUCH_PARSERS_BASE_BANNED_H

/* banned: strcpy strcat strncpy strncat strtok sprintf vsprintf gets */
/* banned: gmtime localtime ctime asctime mktime strftime localtime_r gmtime_r */
/* banned: atoi atol atoll tmpnam mktemp alloca setlocale */

#endif
