/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/report/document.h"

/* Names on a disk are hostile: nothing of them may become markup. */
static void put_escaped(FILE *out, int c)
{
	switch (c) {
	case '<':
		fputs("&lt;", out);
		break;
	case '>':
		fputs("&gt;", out);
		break;
	case '&':
		fputs("&amp;", out);
		break;
	case '"':
		fputs("&quot;", out);
		break;
	default:
		fputc(c, out);
	}
}

/*
 * The text report in a page: one rendering of the facts, so that the two cannot differ. Headings
 * are the lines that stand alone in capitals.
 */
void report_write_html(const json_t *document, FILE *out)
{
	char *text = NULL;
	size_t size = 0;
	FILE *memory = open_memstream(&text, &size);

	if (!memory)
		return;
	report_write_text(document, memory);
	if (fclose(memory) != 0) {
		free(text);
		return;
	}
	fputs("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
	      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
	      "style-src 'unsafe-inline'\"><title>Avouch report</title><style>"
	      "body{max-width:110ch;margin:2em auto;padding:0 1em;background:#fff;color:#111}"
	      "pre{white-space:pre-wrap;overflow-wrap:anywhere;font:14px/1.5 monospace}"
	      "</style></head><body><h1>Avouch report</h1><pre>", out);
	for (size_t i = 0; i < size; i++)
		put_escaped(out, (unsigned char)text[i]);
	fputs("</pre></body></html>\n", out);
	free(text);
}
