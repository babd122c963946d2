#include "store/row_value.h"

#include <fmt/format.h>

#include "store/internal/bytes.h"
#include "store/internal/keys.h"

namespace entail::store {
namespace {

constexpr std::uint8_t kHasWeight = 1, kHasTimeTag = 2;

}  // namespace

void encode_row_value(KvFamily family, std::string_view key, const StoredRow& stored,
                      std::string& out) {
  const RowImage& image = stored.image;
  std::uint8_t flags = 0;
  if (image.weight != 1) flags |= kHasWeight;
  if (image.time_tag_us) flags |= kHasTimeTag;
  out.clear();
  out.push_back(static_cast<char>(kRowValueFormat));
  out.push_back(static_cast<char>(flags));
  out.push_back(static_cast<char>(stored.cause));
  put_varint(out, image.schema_version);
  put_varint(out, stored.born);
  if (image.weight != 1) put_zigzag(out, image.weight);
  if (image.time_tag_us) put_zigzag(out, *image.time_tag_us);
  out.append(image.row);
  seal(family, key, out);
}

Expected<StoredRow> decode_row_value(KvFamily family, std::string_view key,
                                     std::string_view value) {
  auto body = unseal(family, key, value);
  if (!body) return unexpected(std::move(body).error());
  std::string_view rest = *body;
  StoredRow stored;
  std::uint8_t format = 0, flags = 0, cause = 0;
  if (!take_byte(rest, format) || format != kRowValueFormat) {
    return corrupt(fmt::format("the {} has format {}, and this program reads format {}",
                               describe_key(family, key), format, kRowValueFormat));
  }
  bool whole = take_byte(rest, flags) && take_byte(rest, cause) &&
               take_varint_32(rest, stored.image.schema_version) && take_varint(rest, stored.born);
  if (whole && (flags & kHasWeight) != 0) whole = take_zigzag(rest, stored.image.weight);
  if (whole && (flags & kHasTimeTag) != 0) {
    std::int64_t tag = 0;
    whole = take_zigzag(rest, tag);
    stored.image.time_tag_us = tag;
  }
  if (!whole) return corrupt(fmt::format("the {} is cut short", describe_key(family, key)));
  stored.cause = static_cast<CauseKind>(cause);
  stored.image.row = rest;
  return stored;
}

}  // namespace entail::store
