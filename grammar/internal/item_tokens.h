// grammar/internal/item_tokens.h - the tokens of one item as ANTLR wants to read them.
//
// ANTLR's own token objects hold strings and stream pointers; ours point at the scanner's. The
// stream is one item, fully known, with an end-of-file token behind it.

#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <antlr4-runtime.h>
#include "grammar/internal/scanner.h"

namespace entail::grammar::internal {

class ItemToken final : public antlr4::Token {
 public:
  ItemToken(const ScannedToken& scanned, std::size_t position, const Scanner& scanner)
      : scanned_(scanned), position_(position), scanner_(&scanner) {}

  const ScannedToken& scanned() const { return scanned_; }

  std::string getText() const override { return std::string(scanner_->text_of(scanned_)); }
  std::size_t getType() const override {
    return scanned_.type == kEndOfText ? antlr4::Token::EOF : scanned_.type;
  }
  std::size_t getLine() const override { return 0; }
  std::size_t getCharPositionInLine() const override { return 0; }
  std::size_t getChannel() const override { return antlr4::Token::DEFAULT_CHANNEL; }
  std::size_t getTokenIndex() const override { return position_; }
  std::size_t getStartIndex() const override { return scanned_.begin; }
  std::size_t getStopIndex() const override { return scanned_.end; }
  antlr4::TokenSource* getTokenSource() const override { return nullptr; }
  antlr4::CharStream* getInputStream() const override { return nullptr; }
  std::string toString() const override { return getText(); }

 private:
  ScannedToken scanned_;
  std::size_t position_;
  const Scanner* scanner_;
};

inline const ScannedToken& scanned(antlr4::Token* token) {
  return static_cast<ItemToken*>(token)->scanned();
}

class ItemTokenStream final : public antlr4::TokenStream {
 public:
  explicit ItemTokenStream(const Scanner& scanner) : scanner_(scanner) {}

  void assign(const std::vector<ScannedToken>& tokens) {
    tokens_.clear();
    tokens_.reserve(tokens.size() + 1);
    for (const ScannedToken& token : tokens) tokens_.emplace_back(token, tokens_.size(), scanner_);
    ScannedToken end;
    end.type = kEndOfText;
    end.begin = end.end = tokens.empty() ? 0 : tokens.back().end;
    tokens_.emplace_back(end, tokens_.size(), scanner_);
    position_ = 0;
  }

  antlr4::Token* LT(ssize_t k) override {
    const auto wanted = static_cast<ssize_t>(position_) + (k > 0 ? k - 1 : k);
    if (wanted < 0) return nullptr;
    return &tokens_[std::min(static_cast<std::size_t>(wanted), tokens_.size() - 1)];
  }
  std::size_t LA(ssize_t k) override {
    const antlr4::Token* token = LT(k);
    return token == nullptr ? 0 : token->getType();
  }
  antlr4::Token* get(std::size_t index) const override {
    return &tokens_[std::min(index, tokens_.size() - 1)];
  }
  void consume() override { position_ = std::min(position_ + 1, tokens_.size() - 1); }
  ssize_t mark() override { return 0; }
  void release(ssize_t) override {}
  std::size_t index() override { return position_; }
  void seek(std::size_t index) override {
    position_ = std::min(index, tokens_.empty() ? 0 : tokens_.size() - 1);
  }
  std::size_t size() override { return tokens_.size(); }
  std::string getSourceName() const override { return {}; }
  antlr4::TokenSource* getTokenSource() const override { return nullptr; }
  std::string getText(const antlr4::misc::Interval&) override { return {}; }
  std::string getText() override { return {}; }
  std::string getText(antlr4::RuleContext*) override { return {}; }
  std::string getText(antlr4::Token*, antlr4::Token*) override { return {}; }

 private:
  const Scanner& scanner_;
  mutable std::vector<ItemToken> tokens_;  // ANTLR's get() is const and gives a mutable token.
  std::size_t position_ = 0;
};

}  // namespace entail::grammar::internal
