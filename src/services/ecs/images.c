/*
 * images: images in folders (oci:), unpacked on a thread of their own before a task starts.
 */
#include "services/ecs/ecs_internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "engine/oci.h"
#include "net/blocking.h"

struct image_job {
	struct blocking_job job;
	struct list_node link; /* in ecs->image_jobs */
	struct ecs *ecs;       /* NULL: it ended meanwhile */
	char run[ECS_ID_DIGITS + 1];
	unsigned index;
	char cache[4200];
	struct run_image image; /* image.name is what is asked for */
};

static void unpack(struct run_image *image, const char *cache)
{
	char folder[PATH_MAX], tag[129];
	struct text why = TEXT_INIT(8192);

	if (!oci_reference(image->name, folder, tag))
		image->err = ERR_INVALID;
	else
		image->err = oci_unpack(folder, tag, cache, &image->files, &why);
	snprintf(image->why, sizeof image->why, "%s", text_str(&why));
	text_fini(&why);
}

void images_free(struct run_image *image)
{
	if (!image)
		return;
	free(image->files.config);
	free(image);
}

static void work(struct blocking_job *job)
{
	struct image_job *self = container_of(job, struct image_job, job);

	unpack(&self->image, self->cache);
}

static void done(struct blocking_job *job)
{
	struct image_job *self = container_of(job, struct image_job, job);
	struct run *run = self->ecs ? run_find(self->ecs, self->run) : NULL;
	struct run_image *image = run ? calloc(1, sizeof *image) : NULL;

	list_remove(&self->link);
	if (image) {
		*image = self->image;
		images_free(run->containers[self->index].image);
		run->containers[self->index].image = image;
	} else {
		free(self->image.files.config);
	}
	if (run) {
		run->containers[self->index].image_asked = false;
		run_look_in(run, 0);
	}
	free(self);
}

static void cache_of(const struct ecs *ecs, char out[4200])
{
	snprintf(out, 4200, "%s/images", ecs->options.data);
}

bool images_is_ready(struct run *run, unsigned index, const char *name)
{
	struct run_container *container = &run->containers[index];
	struct ecs *ecs = run->ecs;
	struct image_job *self;

	if (strncmp(name, "oci:", 4) != 0 || container->image)
		return true;
	if (container->image_asked)
		return false;
	if (!ecs->image_pool && blocking_pool_create(1, &ecs->image_pool))
		return true; /* it is unpacked at once then */
	self = calloc(1, sizeof *self);
	if (!self)
		return true;
	self->job = (struct blocking_job){ .work = work, .done = done, .loop = ecs->options.loop };
	self->ecs = ecs;
	self->index = index;
	memcpy(self->run, run->id, sizeof self->run);
	cache_of(ecs, self->cache);
	snprintf(self->image.name, sizeof self->image.name, "%s", name);
	list_append(&ecs->image_jobs, &self->link);
	container->image_asked = true;
	blocking_submit(ecs->image_pool, &self->job);
	return false;
}

const struct run_image *images_of(struct run *run, unsigned index, const char *name)
{
	struct run_container *container = &run->containers[index];
	char cache[4200];

	if (container->image)
		return container->image;
	/* After a restart of Weir, for a health check: it lies there unpacked, which is quick. */
	container->image = calloc(1, sizeof *container->image);
	if (!container->image)
		return NULL;
	snprintf(container->image->name, sizeof container->image->name, "%s", name);
	cache_of(run->ecs, cache);
	unpack(container->image, cache);
	return container->image;
}

void images_end(struct ecs *ecs)
{
	blocking_pool_destroy(ecs->image_pool);
	ecs->image_pool = NULL;
	list_for_each_safe (&ecs->image_jobs, node) {
		container_of(node, struct image_job, link)->ecs = NULL;
		list_remove(node);
	}
}
