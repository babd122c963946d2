// server/pgwire/utf8.h - whether bytes from outside are text.
//
// Threads: pure.
// Source: the Unicode standard, table 3-7, "Well-Formed UTF-8 Byte Sequences".

#pragma once

#include <string_view>

#include "vm/base/expected.h"

namespace entail::pgwire {

// Fails with 22021, naming the bytes, unless `text` is UTF-8 without the character 0.
Expected<void> check_utf8(std::string_view text);

}  // namespace entail::pgwire
