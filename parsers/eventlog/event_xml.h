/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_PARSERS_EVENTLOG_EVENT_XML_H
#define AVOUCH_PARSERS_EVENTLOG_EVENT_XML_H

#include "parsers/eventlog/event.h"

/*
 * Fills provider, guid, id, channel, computer, user, items and binary of an event from its XML
 * (schema http://schemas.microsoft.com/win/2004/08/events/event), as libevtx writes it. Texts are
 * in the arena. Items beyond EVENT_MAX_ITEMS are dropped and *ret_cut set, as it is for a value
 * longer than LIMIT_TEXT. ERR_FORMAT when there is no provider or no event id in it.
 */
MUST_USE enum status event_from_xml(struct arena *arena, struct text xml, struct event *event,
				    bool *ret_cut, struct failure *why);

#endif
