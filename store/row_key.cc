#include "store/row_key.h"

#include <xxhash.h>

namespace entail::store {

SetRowKey set_row_key(std::string_view encoding) {
  if (encoding.size() <= kPlainKeyBytesMax) return {std::string(encoding), false};
  XXH128_canonical_t hash;
  XXH128_canonicalFromHash(&hash, XXH3_128bits(encoding.data(), encoding.size()));
  SetRowKey key{std::string(encoding.substr(0, kPlainKeyBytesMax)), true};
  key.key.append(reinterpret_cast<const char*>(hash.digest), sizeof hash.digest);
  return key;
}

}  // namespace entail::store
