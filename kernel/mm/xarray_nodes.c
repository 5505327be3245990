/*
 * xarray_nodes.c - memory for the nodes of xarrays (lib knows no allocator).
 *
 * Nodes are asked for with the array's lock held, so the emergency reserve may be used, and freed
 * after a grace period.
 */
#include <rcu.h>
#include <slab.h>
#include <xarray.h>

static struct slab_cache *node_slab;

static void *node_alloc(void)
{
	return slab_alloc(node_slab, GFP_ATOMIC | GFP_ZERO);
}

static void node_free(struct rcu_head *h)
{
	slab_free(node_slab, h);
}

static void node_free_rcu(void *node)
{
	rcu_call(node, node_free);
}

void xarray_init(void)
{
	static const struct xarray_allocator allocator = {
		.alloc = node_alloc, .free_rcu = node_free_rcu};

	node_slab = slab_cache_create("xarray_node", XA_NODE_BYTES, 64, NULL);
	xarray_set_allocator(&allocator);
}
