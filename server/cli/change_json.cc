#include "server/cli/change_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "vm/base/text.h"
#include "vm/type_table.h"
#include "vm/value_text.h"

namespace entail::cli {
namespace {

using datalog::RelationId;
using vm::Type;
using vm::TypeKind;
using vm::Word;
using Kind = JsonNode::Kind;

constexpr const char* kMembers =
    "the members are insert, delete and update, or one of commit, abort and query";

std::string excerpt(std::string_view text) {
  constexpr std::size_t kLong = 40;
  if (text.size() <= kLong) return std::string(text);
  std::size_t cut = kLong;
  while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xc0U) == 0x80) --cut;
  return std::string(text.substr(0, cut)) + "…";
}

bool is_whole_kind(TypeKind kind) {
  return kind == TypeKind::kNumber || kind == TypeKind::kUnsigned || kind == TypeKind::kInt2 ||
         kind == TypeKind::kInt4 || kind == TypeKind::kInt8;
}

// JSON writes a whole number as 1.0 and 1e3, too, if it likes; here that is no whole number.
bool is_whole_text(std::string_view text) {
  return text.find_first_of(".eE") == std::string_view::npos;
}

}  // namespace

bool ChangeJsonReader::fail(const JsonNode& node, std::string message) {
  return lines_.fail(node.begin, std::move(message));
}

bool ChangeJsonReader::read(std::string_view line, std::size_t at, ChangeLine& out) {
  if (!tree_.parse(line, at, lines_.problem_)) return false;
  const JsonNode& root = tree_.root();
  if (root.children == 0) return fail(root, std::string("an empty object: ") + kMembers);
  out.changes.clear();
  const JsonNode* verbs[3] = {};
  const bool is_sound = tree_.for_each(root, [&](const JsonNode& member) {
    constexpr std::string_view kVerbs[] = {"delete", "update", "insert"};
    const auto verb = std::find(std::begin(kVerbs), std::end(kVerbs), member.name);
    if (verb != std::end(kVerbs)) {
      const JsonNode*& place = verbs[verb - std::begin(kVerbs)];
      if (place != nullptr) {
        return lines_.fail(member.name_at, fmt::format("'{}' is given twice", member.name));
      }
      place = &member;
      return true;
    }
    const bool ends = member.name == "commit" || member.name == "abort";
    if (!ends && member.name != "query" && member.name != "tick") {
      const auto nearest =
          closest_name(member.name, std::vector<std::string>{"insert", "delete", "update", "tick",
                                                             "commit", "abort", "query"});
      return lines_.fail(member.name_at,
                         fmt::format("'{}' is no member of a change{}", member.name,
                                     nearest ? fmt::format("; did you mean '{}'?", *nearest)
                                             : fmt::format(": {}", kMembers)));
    }
    if (root.children > 1) {
      return lines_.fail(member.name_at, fmt::format("'{}' stands alone on a line", member.name));
    }
    if (member.name == "query") return read_query(member, out);
    if (member.name == "tick") return read_tick(member, out);
    if (!member.is(Kind::kTrue)) {
      return fail(member, fmt::format("expected {{\"{}\": true}}", member.name));
    }
    out.kind = member.name == "commit" ? LineKind::kCommit : LineKind::kAbort;
    return true;
  });
  if (!is_sound) return false;
  for (const Verb verb : {Verb::kDelete, Verb::kUpdate, Verb::kInsert}) {
    const JsonNode* const relations = verbs[static_cast<unsigned>(verb)];
    if (relations == nullptr) continue;
    if (!read_verb(verb, *relations, out)) return false;
    out.kind = LineKind::kChange;
  }
  return true;
}

bool ChangeJsonReader::read_query(const JsonNode& node, ChangeLine& out) {
  if (!node.is(Kind::kString)) return fail(node, "expected a question as a text: \"path(1, x)\"");
  const std::string question(node.text);  // The tree's text goes when the line is read as text.
  const std::size_t begin = node.begin + 1;
  lines_.text_.start(question);
  if (lines_.read_query(out)) return true;
  lines_.problem_.at += begin;
  return false;
}

bool ChangeJsonReader::read_tick(const JsonNode& node, ChangeLine& out) {
  const JsonNode* time = &node;
  out.stream.reset();
  if (node.is(Kind::kObject) && node.children == 1) {
    time = &tree_.at(tree_.first_child(node));
    out.stream = lines_.find_stream(time->name, time->name_at);
    if (!out.stream) return false;
  }
  if (!time->is(Kind::kString))
    return fail(*time, "expected a time as a text: \"2026-01-01T10:00:00Z\"");
  const std::string text(time->text);
  const std::size_t begin = time->begin + 1;
  lines_.text_.start(text);
  if (lines_.read_time(out)) return true;
  lines_.problem_.at += begin;
  return false;
}

bool ChangeJsonReader::read_verb(Verb verb, const JsonNode& relations, ChangeLine& out) {
  if (!relations.is(Kind::kObject)) {
    return fail(relations, "expected an object of relations: {\"edge\": [1, 2]}");
  }
  return tree_.for_each(relations, [&](const JsonNode& rows) {
    const auto id = lines_.find_relation(rows.name, rows.name_at);
    return id && read_rows(verb, *id, rows, out);
  });
}

bool ChangeJsonReader::read_rows(Verb verb, RelationId id, const JsonNode& node, ChangeLine& out) {
  if (!node.is(Kind::kArray) && !node.is(Kind::kObject)) {
    return fail(node, fmt::format("expected rows of '{}': an array or an object",
                                  lines_.relation(id).name));
  }
  const bool several = are_rows(id, node);
  const std::size_t count = several ? node.children : 1;
  const std::size_t width = std::max<std::size_t>(lines_.shape(id).word_count, 1);
  FactChange change;
  change.relation = id;
  change.is_deletion = verb == Verb::kDelete;
  std::vector<Word> row_major;
  row_major.reserve(count * width);
  std::vector<Word> row(width);
  const auto add = [&](const JsonNode& described) {
    std::size_t row_count = 1;
    std::fill(row.begin(), row.end(), Word{0});
    if (!read_row(verb, id, described, row.data(), row_count)) return false;
    if (row_count == 0) return true;
    if (verb != Verb::kDelete && !is_first_under_key(id, described, row.data())) return false;
    row_major.insert(row_major.end(), row.begin(), row.end());
    ++change.rows;
    return true;
  };
  if (!(several ? tree_.for_each(node, add) : add(node))) return false;
  change.words.resize(row_major.size());
  for (std::size_t i = 0; i < change.rows; ++i) {
    for (std::size_t c = 0; c < width; ++c) {
      change.words[c * change.rows + i] = row_major[i * width + c];
    }
  }
  out.changes.push_back(std::move(change));
  return true;
}

bool ChangeJsonReader::is_first_under_key(RelationId id, const JsonNode& node, const Word* row) {
  const datalog::Relation& relation = lines_.relation(id);
  if (relation.key.empty()) return true;
  const RowShape& shape = lines_.shape(id);
  std::vector<Word> key;
  for (const std::uint32_t column : relation.key) {
    const Word* const first = row + shape.word_of_column[column];
    key.insert(key.end(), first,
               first + vm::words_of(shape.columns[column].type, shape.columns[column].nullable));
  }
  if (keys_[id].insert(std::move(key)).second) return true;
  return fail(node,
              fmt::format("'{}' is given a second row under the key of this one", relation.name));
}

// Whether the node is an array of rows, and not a row.
bool ChangeJsonReader::are_rows(RelationId id, const JsonNode& node) {
  if (!node.is(Kind::kArray)) return false;
  const RowShape& shape = lines_.shape(id);
  const std::size_t arity = shape.columns.size();
  const bool each_is_row = tree_.for_each(node, [&](const JsonNode& element) {
    return element.is(Kind::kObject) || (element.is(Kind::kArray) && element.children == arity);
  });
  if (node.children == 0) return arity != 0;
  if (!each_is_row) {
    // One row too short or too long among others is reported as a row, not as a value.
    if (arity == 0) return false;
    const JsonNode& first = tree_.at(tree_.first_child(node));
    const TypeKind kind = shape.columns[0].type.kind;
    const bool may_nest =
        kind == TypeKind::kRecord || kind == TypeKind::kArray || kind == TypeKind::kJson;
    return !may_nest && (first.is(Kind::kArray) || first.is(Kind::kObject));
  }
  if (node.children != arity) return true;
  const datalog::Column& first = shape.columns.front();
  std::vector<Word> scratch(vm::words_of(first.type, first.nullable));
  return !read_value(tree_.at(tree_.first_child(node)), first.type, first.nullable, scratch.data());
}

bool ChangeJsonReader::read_row(Verb verb, RelationId id, const JsonNode& node, Word* row,
                                std::size_t& row_count) {
  const RowShape& shape = lines_.shape(id);
  const std::size_t arity = shape.columns.size();
  const auto read_column = [&](std::size_t column, const JsonNode& value) {
    const datalog::Column& described = shape.columns[column];
    if (read_value(value, described.type, described.nullable, row + shape.word_of_column[column])) {
      return true;
    }
    lines_.problem_.message =
        fmt::format("column {} ({}): {}", column + 1, described.name, lines_.problem_.message);
    return false;
  };
  if (node.is(Kind::kArray)) {
    if (verb == Verb::kUpdate) {
      return fail(node, "expected an object: an update names the key and the columns that change");
    }
    if (node.children != arity) {
      return fail(node, fmt::format("'{}' has {}, not {}", lines_.relation(id).name,
                                    count_of(arity, "column"), node.children));
    }
    std::size_t column = 0;
    return tree_.for_each(node,
                          [&](const JsonNode& value) { return read_column(column++, value); });
  }
  std::vector<bool> named(arity);
  const bool is_read = tree_.for_each(node, [&](const JsonNode& value) {
    const auto column =
        lines_.find_column(shape, lines_.relation(id).name, value.name, value.name_at);
    if (!column) return false;
    if (named[*column]) {
      return lines_.fail(value.name_at, fmt::format("'{}' is given twice", value.name));
    }
    named[*column] = true;
    return read_column(*column, value);
  });
  if (!is_read) return false;
  switch (verb) {
    case Verb::kInsert:
      return lines_.complete_insertion(id, named, node.begin, row);
    case Verb::kUpdate:
      return lines_.complete_update(id, named, node.begin, row);
    case Verb::kDelete:
      return lines_.complete_deletion(id, named, node.begin, row, row_count);
  }
  return false;
}

// --- values ----------------------------------------------------------------------------------------

bool ChangeJsonReader::wrong_kind(const JsonNode& node, Type type) {
  const vm::TypeTable& types = lines_.pool_.types();
  return fail(node, fmt::format("{} is not a {}: expected {}", excerpt(tree_.source(node)),
                                types.type_name(type), literal_form(types, type)));
}

bool ChangeJsonReader::read_value(const JsonNode& node, Type type, bool nullable, Word* out) {
  const unsigned value_words = vm::value_words(type);
  if (nullable) out[value_words] = vm::bool_word(node.is(Kind::kNull));
  if (node.is(Kind::kNull)) {
    std::fill(out, out + value_words, Word{0});
    if (nullable || type.kind == TypeKind::kRecord) return true;
    if (type.kind != TypeKind::kJson) return wrong_kind(node, type);
  }
  switch (type.kind) {
    case TypeKind::kRecord:
      if (node.is(Kind::kArray) || node.is(Kind::kObject)) return read_record(node, type, out);
      break;
    case TypeKind::kArray:
      if (node.is(Kind::kArray)) return read_array(node, type, out);
      break;
    case TypeKind::kJson: {
      std::string message;
      if (vm::parse_value(lines_.pool_, type, tree_.source(node), out, message)) return true;
      return fail(node, message);
    }
    default:
      break;
  }
  return read_scalar(node, type, out);
}

bool ChangeJsonReader::read_scalar(const JsonNode& node, Type type, Word* out) {
  std::string message;
  switch (node.kind) {
    case Kind::kTrue:
    case Kind::kFalse:
      if (type.kind != TypeKind::kBool) return wrong_kind(node, type);
      out[0] = vm::bool_word(node.is(Kind::kTrue));
      return true;
    case Kind::kNumber:
      switch (type.kind) {
        case TypeKind::kNumber:
        case TypeKind::kUnsigned:
        case TypeKind::kInt2:
        case TypeKind::kInt4:
        case TypeKind::kInt8:
          if (!is_whole_text(node.text)) return wrong_kind(node, type);
          break;
        case TypeKind::kFloat4:
        case TypeKind::kFloat8:
        case TypeKind::kDecimal:
        case TypeKind::kNumeric:
          break;
        default:
          return wrong_kind(node, type);
      }
      if (vm::parse_value(lines_.pool_, type, node.text, out, message)) return true;
      return fail(node, message);
    case Kind::kString: {
      if (type.kind == TypeKind::kText) {
        out[0] = lines_.pool_.intern(node.text);
        return true;
      }
      if (type.kind == TypeKind::kBool || is_whole_kind(type.kind)) return wrong_kind(node, type);
      if (type.kind == TypeKind::kAdt || type.kind == TypeKind::kRecord ||
          type.kind == TypeKind::kArray) {
        TextProblem problem;
        FactTextReader reader(lines_.pool_, problem);
        reader.start(node.text);
        if (reader.read(type, false, out) && reader.at_end()) return true;
        return fail(node, problem.message.empty() ? "more text behind the value" : problem.message);
      }
      if (vm::parse_value(lines_.pool_, type, node.text, out, message)) return true;
      return fail(node, message);
    }
    default:
      return wrong_kind(node, type);
  }
}

bool ChangeJsonReader::read_record(const JsonNode& node, Type type, Word* out) {
  const vm::TypeTable& types = lines_.pool_.types();
  const auto& fields = types.record_fields(type.detail);
  const auto& layout = types.layout(type.detail);
  std::vector<Word> words(layout.word_count);
  std::vector<bool> given(fields.size());
  if (node.children != fields.size()) {
    return fail(node, fmt::format("{} where {} has {}", count_of(node.children, "field"),
                                  types.type_name(type), fields.size()));
  }
  std::size_t position = 0;
  const bool is_read = tree_.for_each(node, [&](const JsonNode& value) {
    std::size_t field = position++;
    if (node.is(Kind::kObject)) {
      field = 0;
      while (field < fields.size() && fields[field].name != value.name) ++field;
      if (field == fields.size() || given[field]) {
        return lines_.fail(value.name_at, fmt::format("{} has no field '{}', or it is given twice",
                                                      types.type_name(type), value.name));
      }
    }
    given[field] = true;
    return read_value(value, fields[field].type, fields[field].nullable,
                      &words[layout.field_offsets[field]]);
  });
  if (!is_read) return false;
  out[0] = lines_.pool_.intern_record(type.detail, words);
  return true;
}

bool ChangeJsonReader::read_array(const JsonNode& node, Type type, Word* out) {
  const vm::TypeTable& types = lines_.pool_.types();
  const Type element = types.array_element(type.detail);
  const bool nullable = types.array_element_nullable(type.detail);
  const unsigned step = vm::words_of(element, nullable);
  std::vector<Word> words(step * node.children);
  std::size_t position = 0;
  const bool is_read = tree_.for_each(node, [&](const JsonNode& value) {
    return read_value(value, element, nullable, &words[step * position++]);
  });
  if (!is_read) return false;
  out[0] = lines_.pool_.intern_record(type.detail, words);
  return true;
}

}  // namespace entail::cli
