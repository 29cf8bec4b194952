/* SPDX-License-Identifier: Apache-2.0 */
/* Replaced by the first real file of this folder. */
extern const int avouch_eventlog_placeholder;
const int avouch_eventlog_placeholder = 0;
