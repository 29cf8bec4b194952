/* SPDX-License-Identifier: Apache-2.0 */
/* The change journal. Its records: Microsoft, USN_RECORD_V2 (winioctl.h). */
#include "forge_volume.h"

enum { JOURNAL_PAGE = 4096, USN_HEADER = 60 };

static void put16(unsigned char *at, unsigned value)
{
	at[0] = (unsigned char)(value & 0xff);
	at[1] = (unsigned char)(value >> 8 & 0xff);
}

static void put32(unsigned char *at, uint32_t value)
{
	put16(at, value & 0xffff);
	put16(at + 2, value >> 16);
}

static void put64(unsigned char *at, uint64_t value)
{
	put32(at, (uint32_t)value);
	put32(at + 4, (uint32_t)(value >> 32));
}

static unsigned char *journal_room(struct forge *forge, size_t need)
{
	struct journal *journal = &forge->journal;
	size_t in_page = (size_t)((journal->first + journal->length) % JOURNAL_PAGE);
	size_t pad = in_page + need > JOURNAL_PAGE ? JOURNAL_PAGE - in_page : 0;

	if (journal->length + pad + need > journal->capacity) {
		journal->capacity = (journal->capacity + pad + need) * 2;
		journal->bytes = realloc(journal->bytes, journal->capacity);
		if (journal->bytes == NULL)
			die(forge, "no memory for the journal");
	}
	memset(journal->bytes + journal->length, 0, pad + need);
	journal->length += pad;
	return journal->bytes + journal->length;
}

/* FILE_ATTRIBUTE_DIRECTORY stands in the journal, though $STANDARD_INFORMATION does not keep it. */
static uint32_t attributes_of(const ntfs_inode *inode)
{
	const uint32_t kept = le32_to_cpu(inode->flags) & 0xffff;

	if (inode->mrec->flags & MFT_RECORD_IS_DIRECTORY)
		return (kept & ~0x20u) | 0x10;
	return kept ? kept : 0x20;
}

void journal_one(struct forge *forge, ntfs_inode *inode, uint64_t parent, const char *name,
		 uint32_t reason)
{
	struct journal *journal = &forge->journal;
	unsigned char *at;
	ntfschar *wide;
	size_t need;
	int length;

	if (!journal->on)
		return;
	wide = unicode(forge, name, &length);
	need = (USN_HEADER + (size_t)length * 2 + 7) & ~(size_t)7;
	at = journal_room(forge, need);
	put32(at, (uint32_t)need);
	put16(at + 4, 2);
	put64(at + 8, reference_of(inode));
	put64(at + 16, parent);
	put64(at + 24, journal->first + journal->length);
	put64(at + 32, (uint64_t)simulated_ticks);
	put32(at + 40, reason);
	put32(at + 48, SECURITY_ID);
	put32(at + 52, attributes_of(inode));
	put16(at + 56, (unsigned)length * 2);
	put16(at + 58, USN_HEADER);
	memcpy(at + USN_HEADER, wide, (size_t)length * 2);
	free(wide);
	inode->usn = cpu_to_le64(journal->first + journal->length);
	journal->length += need;
}

void journal_steps(struct forge *forge, ntfs_inode *inode, uint64_t parent, const char *name,
		   uint32_t first, uint32_t second)
{
	journal_one(forge, inode, parent, name, first);
	if (second != 0)
		journal_one(forge, inode, parent, name, first | second);
	journal_one(forge, inode, parent, name, first | second | USN_CLOSE);
}

static ntfs_inode *open_journal_file(struct forge *forge)
{
	ntfs_inode *extend;
	ntfs_inode *inode;

	leave_directory(forge);
	extend = ntfs_inode_open(forge->volume, FILE_Extend);
	inode = extend == NULL ? NULL : open_child(forge, extend, "$UsnJrnl");
	if (inode == NULL)
		die(forge, "no $UsnJrnl");
	ntfs_inode_close(extend);
	return inode;
}

void journal_start(struct forge *forge, uint64_t first)
{
	int length;
	ntfschar *wide = unicode(forge, "$UsnJrnl", &length);
	ntfs_inode *extend;
	ntfs_inode *inode;

	leave_directory(forge);
	extend = ntfs_inode_open(forge->volume, FILE_Extend);
	inode = extend == NULL ? NULL
			       : ntfs_create(extend, const_cpu_to_le32(SECURITY_ID), wide,
					     (u8)length, S_IFREG);
	if (inode == NULL)
		die(forge, "cannot create $UsnJrnl");
	inode->flags |= const_cpu_to_le32(0x6 | 0x200);   /* hidden, system, sparse */
	ntfs_inode_close_in_dir(inode, extend);
	ntfs_inode_close(extend);
	free(wide);
	forge->journal.on = true;
	forge->journal.created = simulated_ticks;
	forge->journal.first = first;
}

void journal_finish(struct forge *forge)
{
	struct journal *journal = &forge->journal;
	uint64_t end = journal->first + journal->length;
	uint64_t lowest = journal->first;
	unsigned char max[32] = {0};
	ntfschar wide[2] = {const_cpu_to_le16('$'), const_cpu_to_le16('J')};
	ntfs_inode *inode;
	ntfs_attr *data;
	size_t skip;

	if (!journal->on)
		return;
	if (journal->keep != 0 && end - lowest > journal->keep)
		lowest = (end - journal->keep) & ~(uint64_t)(JOURNAL_PAGE - 1);
	skip = (size_t)(lowest - journal->first);
	inode = open_journal_file(forge);
	put64(max, 0x2000000);
	put64(max + 8, 0x400000);
	put64(max + 16, (uint64_t)journal->created);
	put64(max + 24, lowest);
	set_stream(forge, inode, "$Max", max, sizeof(max));
	if (ntfs_attr_add(inode, AT_DATA, wide, 2, NULL, 0) != 0)
		die(forge, "cannot add $J");
	data = ntfs_attr_open(inode, AT_DATA, wide, 2);
	if (data == NULL || ntfs_attr_truncate(data, (s64)end) != 0)
		die(forge, "cannot size $J");
	if (ntfs_attr_pwrite(data, (s64)lowest, (s64)(end - lowest), journal->bytes + skip) !=
	    (s64)(end - lowest))
		die(forge, "cannot write $J");
	ntfs_attr_close(data);
	leave_free(forge, journal->bytes, skip); /* what was dropped still stands */
	if (ntfs_attr_remove(inode, AT_DATA, AT_UNNAMED, 0) !=
	    0) /* Windows gives it no unnamed stream */
		die(forge, "cannot remove the unnamed stream of $UsnJrnl");
	ntfs_inode_close(inode);
}
