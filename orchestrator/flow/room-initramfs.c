/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What an initramfs takes: the image, by those that this machine has, and its generator
 * at work.
 */
#include "act/initramfs.h"
#include "base/cleanup.h"
#include "probe/initramfs.h"
#include "room-parts.h"

#define DKMS_TREE "/var/lib/dkms"

#define MEBIBYTE ((uint64_t)1 << 20)
/* Of an initramfs, where this machine has none to measure by. */
#define INITRAMFS_GUESS (64 * MEBIBYTE)
/* Two images of like kernels differ by some per cent: the next is taken for larger. */
#define INITRAMFS_PART  104
#define INITRAMFS_WHOLE 100
/* The same where modules are compressed one by one in the one and not in the other. */
#define INITRAMFS_REFORMED 120
/* Halves of its size that it unpacks to, where none can be read; and where its modules
 * are compressed one by one already. */
#define INITRAMFS_PLAIN  9
#define INITRAMFS_PACKED 3
#define INITRAMFS_HALVES 2
/* Of the generator itself: its directories, the archives that it makes. */
#define WORK_FILES 16
/* A file of it on average; each wastes half a block. */
#define INITRAMFS_FILE ((uint64_t)16 << 10)

/*
 * The image that will be made: as that of the kernel like it, larger as its modules are.
 * Bytes of modules that are compressed say nothing of others, their number does.
 */
static uint64_t initramfs_predict(const struct room *room)
{
	const struct room_tree *new = &room->brought, *old = &room->liked;
	uint64_t size = room->like ? room->like->initramfs.size : 0;
	bool reformed = new->packed != old->packed;

	if (size == 0)
		return INITRAMFS_GUESS;
	if (reformed && !room->listed)
		size = space_scale(size, INITRAMFS_REFORMED, INITRAMFS_WHOLE);
	else if (reformed && new->files > old->files)
		size = space_scale(size, new->files, old->files);
	else if (!reformed && new->bytes > old->bytes)
		size = space_scale(size, new->bytes, old->bytes);
	return space_scale(size, INITRAMFS_PART, INITRAMFS_WHOLE);
}

/* What an image unpacks to. */
struct unpacked {
	uint64_t bytes, files; /* 0: not known */
};

static struct unpacked image_unpacked(const struct room *room,
				      const struct kernel *kernel)
{
	autoinitramfs struct initramfs image = {0};

	if (!kernel || !kernel->initramfs.path ||
	    initramfs_read(room->machine->root, kernel->initramfs.path, &image, NULL) <
		    0 ||
	    image.fault)
		return (struct unpacked){0};
	return (struct unpacked){.bytes = image.plain,
				 .files = image.module_count + image.files.count};
}

/* What the new image's content takes unpacked, as that of the one to measure by. */
static struct unpacked initramfs_unpacked(const struct room *room,
					  const struct kernel *model, uint64_t size)
{
	bool reformed = room->brought.packed != room->liked.packed;
	struct unpacked content =
		reformed ? (struct unpacked){0} : image_unpacked(room, model);

	if (content.bytes > 0)
		content = (struct unpacked){
			.bytes = space_scale(content.bytes, size, model->initramfs.size),
			.files = space_scale(content.files, size, model->initramfs.size),
		};
	else
		content = (struct unpacked){
			.bytes = space_scale(size,
					     room->brought.packed ? INITRAMFS_PACKED
								  : INITRAMFS_PLAIN,
					     INITRAMFS_HALVES),
			.files = size / INITRAMFS_FILE,
		};
	return content;
}

/* What will be free there when the generator begins. */
static uint64_t staging_free(void *data, const char *path)
{
	struct room *room = data;
	uint64_t now = initramfs_staging_room(room->machine->root, path);
	struct space_peak peak;
	size_t space;

	if (now == 0 ||
	    space_place(room->machine->root, path, &room->plan, &space, NULL) < 0)
		return 0;
	space_peak(&room->plan, space, &peak);
	return now > peak.stays ? now - peak.stays : 0;
}

/* Where the generator works: in kuro's staging, or where it does so by itself
 * (mkinitramfs(8), dracut.conf(5) tmpdir). */
static const char *work_place(struct room *room)
{
	const struct initramfs_staging staging = {
		.need = initramfs_staging_need(room->machine->root, room->release),
		.room = staging_free,
		.data = room,
	};

	return room->foreign ? "/var/tmp" : initramfs_staging_choose(&staging);
}

/*
 * The generator's tree and the image it writes there; initramfs-tools makes an archive of
 * the tree before it compresses that.
 */
static int room_generator(struct room *room, const struct kernel *model, uint64_t image,
			  struct error *err)
{
	struct unpacked content = initramfs_unpacked(room, model, image);
	const char *place = work_place(room);
	struct room_demand work = {
		.what = "the initramfs generator's work",
		.path = place,
		.bytes = space_sum(content.bytes, image),
		.inodes = space_sum(content.files, WORK_FILES),
		.temporary = true,
		.phase = ROOM_INITRAMFS,
	};
	size_t space;
	int r = space_place(room->machine->root, place, &room->plan, &space, err);

	if (r < 0)
		return r;
	if (distribution_generator(room->machine->root) == GENERATOR_INITRAMFS_TOOLS)
		work.bytes = space_sum(work.bytes, content.bytes);
	else /* dracut writes the image, then copies it */
		work.bytes = space_sum(work.bytes, image);
	work.bytes =
		space_sum(work.bytes, space_product(content.files,
						    room->plan.spaces[space].block / 2));
	return room_put(room, &work, err);
}

/* Is there anything that may have it made once more, after its first time? Modules that
 * are built into the tree, or came there after it, and the triggers of other packages. */
static bool made_again(const struct room *room)
{
	autostrv struct strv names = {0};

	return room->triggers ||
	       initramfs_is_stale(room->machine->root, room->release, NULL) > 0 ||
	       (root_list(room->machine->root, DKMS_TREE, &names, NULL) == 0 &&
		names.count > 0);
}

/*
 * A new image; or one that is there and stays, or is made once more: then both are there
 * until one is renamed over the other.
 */
int room_initramfs(struct room *room, const struct kernel *there, uint64_t *ret_size,
		   struct error *err)
{
	const struct root *root = room->machine->root;
	autofree char *path = initramfs_path(root, room->release);
	uint64_t size = there ? there->initramfs.size : 0;
	struct room_demand image = {.what = "initramfs", .path = path, .inodes = 1};
	int r = 0;

	*ret_size = size;
	if (distribution_generator(root) == GENERATOR_NONE)
		return 0;
	if (size == 0) {
		*ret_size = image.bytes = initramfs_predict(room);
		r = room_put(room, &image, err);
	} else if (!made_again(room)) {
		return 0;
	}
	if (r == 0 && made_again(room)) {
		image.what = "initramfs beside the one it replaces";
		image.bytes = *ret_size;
		image.measured = size > 0;
		image.temporary = true;
		image.phase = ROOM_INITRAMFS;
		r = room_put(room, &image, err);
	}
	return r < 0 ? r
		     : room_generator(room, size > 0 ? there : room->like, *ret_size,
				      err);
}
