#include "store/derived_state.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <map>
#include <utility>

#include "store/internal/bytes.h"
#include "store/internal/derived_manifest.h"
#include "store/internal/keys.h"
#include "vm/base/ensure.h"
#include "vm/base/tiny.h"

namespace entail::store {
namespace {

constexpr std::size_t kChunkBytes = size_or_tiny(std::size_t{256} << 10U, 32);
constexpr std::uint8_t kChunkFormat = 1;

struct HashDeleter {
  void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
};
using Hash = std::unique_ptr<XXH3_state_t, HashDeleter>;

Hash new_hash() {
  Hash hash(XXH3_createState());
  XXH3_64bits_reset(hash.get());
  return hash;
}

class Writer final : public DerivedStateWriter {
 public:
  Writer(Kv& kv, Version version, std::string build_id)
      : kv_(kv), batch_(kv.new_batch()), version_(version) {
    manifest_.build_id = std::move(build_id);
  }

  Expected<void> append(std::string_view name, std::string_view bytes) override {
    ENTAIL_ENSURE(!finished_ && name.find('\0') == std::string_view::npos);
    Blob& blob = blobs_.try_emplace(std::string(name)).first->second;
    if (blob.hash == nullptr) blob.hash = new_hash();
    XXH3_64bits_update(blob.hash.get(), bytes.data(), bytes.size());
    blob.bytes += bytes.size();
    while (!bytes.empty()) {
      const std::size_t taken = std::min(bytes.size(), kChunkBytes - blob.open_chunk.size());
      blob.open_chunk.append(bytes.substr(0, taken));
      bytes.remove_prefix(taken);
      if (blob.open_chunk.size() < kChunkBytes) continue;
      if (auto written = write_chunk(name, blob); !written) return written;
    }
    return {};
  }

  Expected<void> finish() override {
    ENTAIL_ENSURE(!finished_);
    for (auto& [name, blob] : blobs_) {
      if (!blob.open_chunk.empty()) {
        if (auto written = write_chunk(name, blob); !written) return written;
      }
      manifest_.blobs.push_back(
          {name, blob.bytes, blob.chunks, XXH3_64bits_digest(blob.hash.get())});
    }
    // The new one counts and the older ones go at one moment.
    batch_->clear();
    batch_->erase_range(kDerived, derived_chunk_key(0, "", 0), derived_chunk_key(version_, "", 0));
    batch_->erase_range(kDerived, derived_manifest_key(0), derived_manifest_key(version_));
    const std::string key = derived_manifest_key(version_);
    batch_->put(kDerived, key, encode_derived_manifest(key, manifest_));
    finished_ = true;
    return kv_.write(*batch_, true);
  }

 private:
  struct Blob {
    std::string open_chunk;
    std::uint64_t bytes = 0;
    std::uint32_t chunks = 0;
    Hash hash;
  };

  Expected<void> write_chunk(std::string_view name, Blob& blob) {
    const std::string key = derived_chunk_key(version_, name, blob.chunks);
    std::string value(1, static_cast<char>(kChunkFormat));
    value.append(blob.open_chunk);
    seal(kDerived, key, value);
    batch_->clear();
    batch_->put(kDerived, key, value);
    if (auto written = kv_.write(*batch_, false); !written) return written;
    blob.open_chunk.clear();
    ++blob.chunks;
    return {};
  }

  Kv& kv_;
  const std::unique_ptr<KvBatch> batch_;
  const Version version_;
  std::map<std::string, Blob, std::less<>> blobs_;
  DerivedManifest manifest_;
  bool finished_ = false;
};

class Reader final : public DerivedStateReader {
 public:
  Reader(const Kv& kv, Version version, DerivedManifest::Blob blob)
      : kv_(kv), version_(version), blob_(std::move(blob)), hash_(new_hash()) {}

  Expected<std::string_view> next() override {
    if (next_chunk_ == blob_.chunks) {
      if (bytes_ == blob_.bytes && XXH3_64bits_digest(hash_.get()) == blob_.hash) {
        return std::string_view();
      }
      return corrupt(fmt::format("the derived state {} of version {} is damaged: its hash is wrong",
                                 readable(blob_.name), version_));
    }
    const std::string key = derived_chunk_key(version_, blob_.name, next_chunk_);
    auto value = kv_.get(kDerived, key);
    if (!value) return unexpected(std::move(value).error());
    if (!*value) {
      return corrupt(fmt::format("the derived state {} of version {} lacks its chunk {}",
                                 readable(blob_.name), version_, next_chunk_));
    }
    value_ = **std::move(value);
    auto body = unseal(kDerived, key, value_);
    if (!body) return body;
    if (body->empty() || body->front() != static_cast<char>(kChunkFormat)) {
      return corrupt(fmt::format("the {} has another format", describe_key(kDerived, key)));
    }
    body->remove_prefix(1);
    XXH3_64bits_update(hash_.get(), body->data(), body->size());
    bytes_ += body->size();
    ++next_chunk_;
    return body;
  }

 private:
  const Kv& kv_;
  const Version version_;
  const DerivedManifest::Blob blob_;
  const Hash hash_;
  std::string value_;
  std::uint64_t bytes_ = 0;
  std::uint32_t next_chunk_ = 0;
};

}  // namespace

// --- Keys and the manifest ------------------------------------------------------------------------

std::string derived_chunk_key(Version version, std::string_view name, std::uint32_t chunk) {
  std::string key(1, kDerivedChunkKind);
  put_big_endian_64(key, version);
  if (name.empty()) return key;  // The place before every blob of the version.
  key.append(name);
  key.push_back('\0');
  put_big_endian_32(key, chunk);
  return key;
}

std::string derived_manifest_key(Version version) {
  std::string key(1, kDerivedManifestKind);
  put_big_endian_64(key, version);
  return key;
}

std::string encode_derived_manifest(std::string_view key, const DerivedManifest& manifest) {
  std::string value(1, static_cast<char>(kChunkFormat));
  put_bytes(value, manifest.build_id);
  put_varint(value, manifest.blobs.size());
  for (const DerivedManifest::Blob& blob : manifest.blobs) {
    put_bytes(value, blob.name);
    put_varint(value, blob.bytes);
    put_varint(value, blob.chunks);
    put_big_endian_64(value, blob.hash);
  }
  seal(kDerived, key, value);
  return value;
}

Expected<DerivedManifest> decode_derived_manifest(std::string_view key, std::string_view value) {
  auto body = unseal(kDerived, key, value);
  if (!body) return unexpected(std::move(body).error());
  std::string_view rest = *body;
  DerivedManifest manifest;
  std::uint8_t format = 0;
  std::uint64_t count = 0;
  bool whole = take_byte(rest, format) && format == kChunkFormat &&
               take_string(rest, manifest.build_id) && take_varint(rest, count) &&
               count <= rest.size();
  for (std::uint64_t i = 0; whole && i < count; ++i) {
    DerivedManifest::Blob& blob = manifest.blobs.emplace_back();
    whole = take_string(rest, blob.name) && take_varint(rest, blob.bytes) &&
            take_varint_32(rest, blob.chunks) && rest.size() >= 8;
    if (!whole) break;
    blob.hash = big_endian_64(rest);
    rest.remove_prefix(8);
  }
  if (!whole) return corrupt(fmt::format("the {} is cut short", describe_key(kDerived, key)));
  return manifest;
}

Expected<std::optional<std::pair<Version, DerivedManifest>>> newest_derived_manifest(const Kv& kv) {
  KvReadOptions options;
  options.lower = derived_manifest_key(0);
  options.upper = prefix_end(std::string(1, kDerivedManifestKind));
  const auto iterator = kv.iterate(kDerived, std::move(options));
  iterator->seek_to_last();
  if (auto status = iterator->status(); !status) return unexpected(std::move(status).error());
  std::optional<std::pair<Version, DerivedManifest>> newest;
  if (!iterator->valid()) return newest;
  auto manifest = decode_derived_manifest(iterator->key(), iterator->value());
  if (!manifest) return unexpected(std::move(manifest).error());
  newest.emplace(big_endian_64(iterator->key().substr(1)), *std::move(manifest));
  return newest;
}

// --- The store's part -----------------------------------------------------------------------------

Expected<std::unique_ptr<DerivedStateWriter>> VersionedStore::write_derived_state(
    Version version, std::string build_id) {
  ENTAIL_ENSURE(version <= this->version());
  auto newest = newest_derived_manifest(*kv_);
  if (!newest) return unexpected(std::move(newest).error());
  // Leftovers of one that was not finished go, and so does one of the same version.
  const auto batch = kv_->new_batch();
  const std::string end(1, static_cast<char>(kDerivedChunkKind + 1));
  if (*newest && (*newest)->first != version) {
    const Version kept = (*newest)->first;
    batch->erase_range(kDerived, derived_chunk_key(0, "", 0), derived_chunk_key(kept, "", 0));
    batch->erase_range(kDerived, derived_chunk_key(kept + 1, "", 0), end);
  } else {
    batch->erase_range(kDerived, derived_chunk_key(0, "", 0), end);
    batch->erase(kDerived, derived_manifest_key(version));
  }
  if (auto written = kv_->write(*batch, false); !written) {
    return unexpected(std::move(written).error());
  }
  return std::unique_ptr<DerivedStateWriter>(
      std::make_unique<Writer>(*kv_, version, std::move(build_id)));
}

Expected<std::optional<DerivedStateInfo>> VersionedStore::derived_state() const {
  auto newest = newest_derived_manifest(*kv_);
  if (!newest) return unexpected(std::move(newest).error());
  std::optional<DerivedStateInfo> info;
  if (!*newest) return info;
  info.emplace();
  info->version = (*newest)->first;
  info->build_id = (*newest)->second.build_id;
  for (const DerivedManifest::Blob& blob : (*newest)->second.blobs) {
    info->blobs.push_back({blob.name, blob.bytes});
  }
  return info;
}

Expected<std::unique_ptr<DerivedStateReader>> VersionedStore::read_derived_state(
    Version version, std::string_view name) const {
  const std::string key = derived_manifest_key(version);
  auto value = kv_->get(kDerived, key);
  if (!value) return unexpected(std::move(value).error());
  if (*value) {
    auto manifest = decode_derived_manifest(key, **value);
    if (!manifest) return unexpected(std::move(manifest).error());
    for (DerivedManifest::Blob& blob : manifest->blobs) {
      if (blob.name != name) continue;
      return std::unique_ptr<DerivedStateReader>(
          std::make_unique<Reader>(*kv_, version, std::move(blob)));
    }
  }
  return unexpected(ErrorCode::kNotFound, fmt::format("there is no derived state {} of version {}",
                                                      readable(name), version));
}

Expected<void> VersionedStore::drop_derived_state() {
  const auto batch = kv_->new_batch();
  batch->erase_range(kDerived, std::string(1, kDerivedChunkKind),
                     std::string(1, static_cast<char>(kDerivedManifestKind + 1)));
  return kv_->write(*batch, false);
}

}  // namespace entail::store
