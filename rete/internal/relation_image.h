// rete/internal/relation_image.h - the rows of a relation in an image; rete/network_image.h draws them.
//
// Threads: one.
#pragma once

#include "compiler/layout.h"
#include "rete/internal/image_codec.h"
#include "vm/base/expected.h"
#include "vm/standing_relation.h"
#include "vm/value_pool.h"

namespace entail::rete {

// REQUIRES: no open changes.
Expected<void> save_relation(const vm::StandingRelation& relation,
                             const compiler::RelationLayout& layout, const vm::ValuePool& pool,
                             ImageWriter& to);

// Into a relation that never had a row, whose rows become those of the version.
Expected<void> restore_relation(ImageFrames& from, vm::StandingRelation& relation,
                                const compiler::RelationLayout& layout, vm::ValuePool& pool,
                                vm::Version version);
// Reads it, and forgets it.
Expected<void> skip_relation(ImageFrames& from);

}  // namespace entail::rete
