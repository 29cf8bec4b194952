/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libtsk's openers of container formats, replaced by refusals. Every image reaches libtsk through
 * tsk_img_open_external over a stream of ours; without these names its own copies would pull libewf,
 * libvmdk, libvhdi and afflib into the process a second time (cmake/libyal.cmake takes them out).
 * The four prototypes are those of libtsk 4.11 (tsk/img/aff.h, ewf.h, vmdk.h, vhd.h; not installed).
 */
#include <stddef.h>

#include <tsk/libtsk.h>

TSK_IMG_INFO *aff_open(const TSK_TCHAR *const images[], unsigned int sector_size);
TSK_IMG_INFO *ewf_open(int n_images, const TSK_TCHAR *const images[], unsigned int sector_size);
TSK_IMG_INFO *vmdk_open(int n_images, const TSK_TCHAR *const images[], unsigned int sector_size);
TSK_IMG_INFO *vhdi_open(int n_images, const TSK_TCHAR *const images[], unsigned int sector_size);

static TSK_IMG_INFO *refuse(void)
{
	tsk_error_reset();
	tsk_error_set_errno(TSK_ERR_IMG_UNSUPTYPE);
	tsk_error_set_errstr("container formats are opened outside libtsk");
	return NULL;
}

TSK_IMG_INFO *aff_open(const TSK_TCHAR *const images[], unsigned int sector_size)
{
	(void)images;
	(void)sector_size;
	return refuse();
}

TSK_IMG_INFO *ewf_open(int n_images, const TSK_TCHAR *const images[], unsigned int sector_size)
{
	(void)n_images;
	(void)images;
	(void)sector_size;
	return refuse();
}

TSK_IMG_INFO *vmdk_open(int n_images, const TSK_TCHAR *const images[], unsigned int sector_size)
{
	return ewf_open(n_images, images, sector_size);
}

TSK_IMG_INFO *vhdi_open(int n_images, const TSK_TCHAR *const images[], unsigned int sector_size)
{
	return ewf_open(n_images, images, sector_size);
}
