#include "server/cli/query.h"

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <variant>

#include "grammar/parser.h"
#include "server/cli/row_sorter.h"
#include "vm/base/ensure.h"
#include "vm/type_table.h"

namespace entail::cli {
namespace {

using datalog::Expression;
using datalog::ExpressionOp;
using datalog::index_of;
using vm::Word;

constexpr const char* kQuestionName = "entail_question";
constexpr const char* kFileName = "--query";

// The words of an expression without variables, appended; false if it is none.
bool append_words(const Expression& expression, vm::ValuePool& pool, std::vector<Word>& out) {
  const auto arguments_words = [&](std::vector<Word>& words) {
    return std::all_of(expression.arguments.begin(), expression.arguments.end(),
                       [&](const Expression& argument) {
                         return append_words(argument, pool, words);
                       });
  };
  std::vector<Word> inner;
  switch (expression.op) {
    case ExpressionOp::kConstant:
      if (vm::may_be_handle(expression.type.kind) &&
          expression.type.kind != vm::TypeKind::kRecord &&
          expression.type.kind != vm::TypeKind::kAdt) {
        out.push_back(pool.intern(expression.text));
      } else {
        for (unsigned i = 0; i < vm::value_words(expression.type); ++i) {
          out.push_back(expression.words[i]);
        }
      }
      break;
    case ExpressionOp::kNull:
      out.insert(out.end(), vm::value_words(expression.type), 0);
      break;
    case ExpressionOp::kMakeRecord:
    case ExpressionOp::kMakeArray:
      if (!arguments_words(inner)) return false;
      out.push_back(pool.intern_record(expression.type.detail, inner));
      break;
    case ExpressionOp::kMakeVariant:
      if (!arguments_words(inner)) return false;
      out.push_back(pool.intern_adt(expression.type.detail, expression.detail, inner));
      break;
    default:
      return false;
  }
  if (expression.nullable) out.push_back(expression.op == ExpressionOp::kNull ? 1 : 0);
  return true;
}

bool is_constant(const Expression& expression) {
  switch (expression.op) {
    case ExpressionOp::kConstant:
    case ExpressionOp::kNull:
      return true;
    case ExpressionOp::kMakeRecord:
    case ExpressionOp::kMakeArray:
    case ExpressionOp::kMakeVariant:
      return std::all_of(expression.arguments.begin(), expression.arguments.end(), is_constant);
    default:
      return false;
  }
}

}  // namespace

void add_question(const std::string& atom, grammar::Program& tree, grammar::SourceFiles& files,
                  grammar::Diagnostics& diagnostics) {
  std::string text = atom;
  while (!text.empty() && (text.back() == '.' || text.back() == '?' || text.back() == ' ')) {
    text.pop_back();
  }
  // The atom stands on a line of its own, so that places in it are those of the option's value.
  const std::string program = std::string(".decl ") + kQuestionName + "()\n" + kQuestionName +
                              "() :-\n#line 1 \"" + kFileName + "\"\n" + text + ".\n";
  grammar::NoFiles no_files;
  grammar::Program question =
      grammar::parse_text(kFileName, program, {}, no_files, files, diagnostics);
  for (auto& item : question.items) tree.items.push_back(std::move(item));
}

std::optional<Question> take_question(datalog::RuleProgram& program,
                                      grammar::Diagnostics& diagnostics) {
  std::vector<datalog::Rule> asked;
  std::erase_if(program.rules, [&](const datalog::Rule& rule) {
    if (program.relation(rule.head.relation).name != kQuestionName) return false;
    asked.push_back(rule);
    return true;
  });
  for (auto& relation : program.relations) {
    if (relation.name == kQuestionName) relation.auxiliary = true;
  }
  const auto refuse = [&](const char* message) {
    const datalog::SourceSpan span = asked.empty() ? datalog::SourceSpan{} : asked[0].span;
    diagnostics.error(span, message, "Ask for the rows of one relation, as in 'path(99990, x)'.");
    return std::nullopt;
  };
  if (asked.size() != 1) return refuse("--query takes one atom, without alternatives");

  Question question;
  const datalog::Match* match = nullptr;
  std::map<datalog::VariableId, Expression> values;
  for (const datalog::Literal& literal : asked[0].body) {
    if (const auto* found = std::get_if<datalog::Match>(&literal.node)) {
      if (match != nullptr) return refuse("--query takes one atom, not several");
      match = found;
    } else if (const auto* bind = std::get_if<datalog::Bind>(&literal.node);
               bind != nullptr && is_constant(bind->value)) {
      values.emplace(bind->variable, bind->value);
    } else {
      return refuse("--query takes one atom of a relation, without conditions");
    }
  }
  if (match == nullptr) return refuse("--query takes an atom of a relation that is stored");
  question.demand.relation = match->relation;
  question.demand.arguments.resize(match->terms.size());
  std::map<datalog::VariableId, std::uint32_t> first_columns;
  for (std::uint32_t column = 0; column < match->terms.size(); ++column) {
    const Expression& term = match->terms[column];
    if (term.op == ExpressionOp::kConstant || term.op == ExpressionOp::kNull) {
      question.demand.arguments[column] = term;
    } else if (term.op == ExpressionOp::kVariable) {
      if (const auto value = values.find(term.variable); value != values.end()) {
        question.column_values.emplace_back(column, value->second);
        continue;
      }
      const auto [first, is_new] = first_columns.try_emplace(term.variable, column);
      if (!is_new) question.equal_columns.emplace_back(first->second, column);
    }
  }
  return question;
}

RowSource filter_rows(const Question& question, const RowShape& shape, vm::ValuePool& pool,
                      RowSource source) {
  if (question.equal_columns.empty() && question.column_values.empty()) return source;
  struct Wanted {
    std::uint32_t column;
    std::vector<Word> words;
  };
  auto wanted = std::make_shared<std::vector<Wanted>>();
  for (const auto& [column, value] : question.column_values) {
    Wanted one{column, {}};
    ENTAIL_ENSURE(append_words(value, pool, one.words));
    if (shape.columns[column].nullable && !value.nullable) one.words.push_back(0);
    wanted->push_back(std::move(one));
  }
  return [&shape, equal = question.equal_columns, wanted, source = std::move(source)](
             std::span<Word* const> columns, std::size_t capacity) {
    const auto word_count = [&](std::uint32_t column) {
      return vm::words_of(shape.columns[column].type, shape.columns[column].nullable);
    };
    for (;;) {
      const std::size_t count = source(columns, capacity);
      std::size_t kept = 0;
      for (std::size_t row = 0; row < count; ++row) {
        bool passes = true;
        for (const auto& [left, right] : equal) {
          for (unsigned w = 0; w < word_count(left); ++w) {
            passes = passes && columns[shape.word_of_column[left] + w][row] ==
                                   columns[shape.word_of_column[right] + w][row];
          }
        }
        for (const Wanted& want : *wanted) {
          for (unsigned w = 0; w < want.words.size(); ++w) {
            passes = passes &&
                     columns[shape.word_of_column[want.column] + w][row] == want.words[w];
          }
        }
        if (!passes) continue;
        for (Word* const column : columns) column[kept] = column[row];
        ++kept;
      }
      if (kept > 0 || count == 0) return kept;
    }
  };
}

}  // namespace entail::cli
