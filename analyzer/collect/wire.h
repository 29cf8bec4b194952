/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_ANALYZER_COLLECT_WIRE_H
#define AVOUCH_ANALYZER_COLLECT_WIRE_H

#include "parsers/base/cleanup.h"
#include "parsers/base/cursor.h"
#include "parsers/base/failure.h"
#include "parsers/base/instant.h"

/*
 * Messages between supervisor and readers: u32 length of what follows, u8 type, payload; all
 * little-endian. Texts are u32 length (ABSENT_TEXT for none) and UTF-8. The supervisor trusts no
 * message from a reader: message_check in results.h says what each must look like.
 */
enum message_type {
	MESSAGE_JOB = 1,  /* supervisor to reader: see job.h */
	MESSAGE_EVIDENCE, /* facts of a container */
	MESSAGE_VOLUME,   /* a volume found in a partition table */
	MESSAGE_VIEW,     /* file system and label of the job's volume */
	MESSAGE_SOURCE,   /* a source found on a volume */
	MESSAGE_DIGEST,   /* digests of a medium */
	MESSAGE_UNREADABLE, /* of the medium, met by the job: u32 count, u64 offset and size of each */
	MESSAGE_TRACE,
	MESSAGE_NOTE,  /* an anomaly: u64 offset, text */
	MESSAGE_LOST,  /* something unreadable: u64 offset, text */
	MESSAGE_COVER, /* text recorder, instant from, instant to */
	MESSAGE_BEGUN, /* u32 index of the parser that starts */
	MESSAGE_DONE,  /* u8 enum reading, text problem or absent */
	MESSAGE_LAST = MESSAGE_DONE,
};

#define ABSENT_TEXT UINT32_MAX
/* Bytes of one message: a trace and what stands around it. */
#define MESSAGE_MAX ((size_t)(2 << 20))

/* A message being written; an error sticks and is told by message_send. */
struct message {
	uint8_t *data;
	size_t size, room;
	bool failed;
};

static inline void message_free_p(struct message *m)
{
	free_p(&m->data);
}

/* Empties the message and starts one of this type. */
void message_start(struct message *m, enum message_type type);
void message_u8(struct message *m, uint8_t number);
void message_u32(struct message *m, uint32_t number);
void message_u64(struct message *m, uint64_t number);
void message_bytes(struct message *m, struct span bytes); /* u32 length and bytes */
void message_text(struct message *m, struct text text);   /* data NULL: absent */
void message_instant(struct message *m, struct instant instant);

/* The same from a cursor; anything malformed makes the cursor's status ERR_FORMAT. */
struct text read_text(struct cursor *c);     /* may be absent */
struct text read_required(struct cursor *c); /* not absent, no NUL inside */
struct instant read_instant(struct cursor *c);

/* Sends all of it on a blocking socket. ERR_IO when the peer is gone. */
MUST_USE enum status message_send(int fd, struct message *m, struct failure *why);
/* Receives one message into m (type and payload). STATUS_END when the peer has closed. */
MUST_USE enum status message_receive(int fd, struct message *m, struct failure *why);

#endif
