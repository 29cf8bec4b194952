/* SPDX-License-Identifier: Apache-2.0 */
/* Replaced by the first real file of this folder. */
extern const int avouch_windows_placeholder;
const int avouch_windows_placeholder = 0;
