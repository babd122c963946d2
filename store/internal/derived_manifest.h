// store/internal/derived_manifest.h - what a checkpoint of derived state consists of.
//
// store/derived_state.h draws the bytes.
//
// Threads: pure functions.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "store/log_record.h"
#include "vm/base/expected.h"
#include "vm/base/kv.h"

namespace entail::store {

inline constexpr char kDerivedChunkKind = 'c', kDerivedManifestKind = 'f';
static_assert(kDerivedChunkKind < kDerivedManifestKind);

struct DerivedManifest {
  struct Blob {
    std::string name;
    std::uint64_t bytes = 0;
    std::uint32_t chunks = 0;
    std::uint64_t hash = 0;
  };
  std::string build_id;
  std::vector<Blob> blobs;
};

// An empty name: the place before every chunk of the version.
std::string derived_chunk_key(Version version, std::string_view name, std::uint32_t chunk);
std::string derived_manifest_key(Version version);

std::string encode_derived_manifest(std::string_view key, const DerivedManifest& manifest);
Expected<DerivedManifest> decode_derived_manifest(std::string_view key, std::string_view value);
Expected<std::optional<std::pair<Version, DerivedManifest>>> newest_derived_manifest(const Kv& kv);

}  // namespace entail::store
