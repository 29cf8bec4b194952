/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_PARSERS_BASE_PACKED_GUID_H
#define AVOUCH_PARSERS_BASE_PACKED_GUID_H

#include "parsers/base/arena.h"

/*
 * Windows Installer writes GUIDs in key and value names "packed": 32 hexadecimal digits, where the
 * first three groups stand with their characters reversed and in the last two each pair of digits
 * is swapped. {63129F5E-8EC5-41BA-A4CF-47966CE84953} is E5F921365CE8AB144AFC7469C68E9435.
 */
enum { GUID_TEXT_SIZE = 38, PACKED_GUID_SIZE = 32, SQUASHED_GUID_SIZE = 20 };

/* "{...}" in upper case, in the arena; {NULL, 0} when packed is no packed GUID. */
struct text guid_from_packed(struct arena *arena, struct text packed);
/* The reverse; {NULL, 0} when guid is no GUID in braces. */
struct text guid_to_packed(struct arena *arena, struct text guid);
/*
 * The same for the form that Windows Installer's descriptors have, as Wine's msi.dll reads it: 20
 * letters, each five a number of 32 bits in base 85, lowest digit first.
 */
struct text guid_from_squashed(struct arena *arena, struct text squashed);
/* Whether text is a GUID in braces, any case. */
bool text_is_guid(struct text text);

#endif
