/* SPDX-License-Identifier: Apache-2.0 */
/* Replaced by the first real file of this folder. */
extern const int avouch_registry_placeholder;
const int avouch_registry_placeholder = 0;
