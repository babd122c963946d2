#include "tests/property/relation_history.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "vm/base/random.h"
#include "vm/read_pin.h"
#include "vm/standing_relation.h"
#include "vm/type_table.h"
#include "vm/value_pool.h"

namespace entail::testing {

namespace {

using vm::DurableId;
using vm::Row;
using vm::StandingRelation;
using vm::Word;

using Tuple = std::vector<Word>;
using Tuples = std::vector<Tuple>;  // Sorted.
using Ids = std::vector<DurableId>;

struct Broken {
  std::string message;
};

// A tuple's weight in a set; in a bag as many rows as it has ids.
struct ModelRow {
  std::int64_t weight = 0;
  Ids ids;
};
using Model = std::map<Tuple, ModelRow>;

struct Change {
  Tuple tuple;
  std::int64_t weight = 1;
};

enum class Kind : std::uint8_t { kSet, kBag, kKeyed };

constexpr Word kOpenSource = ~Word{0};  // Of a bag's row until its epoch is committed.

Tuples tuples_of(const Model& model) {
  Tuples tuples;
  for (const auto& [tuple, row] : model) {
    const std::size_t copies = row.ids.empty() ? 1 : row.ids.size();
    tuples.insert(tuples.end(), copies, tuple);
  }
  return tuples;
}

std::string text_of(const Tuple& tuple) {
  std::string text = "(";
  for (const Word word : tuple) text += (text.size() > 1 ? " " : "") + std::to_string(word);
  return text + ")";
}

void expect_equal(const std::string& what, const Tuples& expected, const Tuples& found) {
  if (expected == found) return;
  std::string message = what + ": " + std::to_string(found.size()) + " rows instead of " +
                        std::to_string(expected.size()) + "; found";
  for (const Tuple& tuple : found) message += " " + text_of(tuple);
  message += ", expected";
  for (const Tuple& tuple : expected) message += " " + text_of(tuple);
  throw Broken{std::move(message)};
}

class History {
 public:
  explicit History(std::uint64_t seed) : random_(seed), pool_(types_) {}

  void run() {
    make();
    const std::uint64_t epochs = 5 + random_.below(25);
    for (std::uint64_t epoch = 0; epoch < epochs; ++epoch) run_epoch();
    readers_.clear();
    relation_->reclaim();
    relation_->verify();
    relation_.reset();
    pool_.end_step();
    pool_.verify();
    if (pool_.stats().entries_live != 0) throw Broken{"texts outlive the rows that held them"};
  }

 private:
  struct Reader {
    vm::ReadPin pin;
    Tuples tuples;
  };

  void make() {
    kind_ = static_cast<Kind>(random_.below(3));
    counting_ = random_.chance(1, 3) ? vm::Counting::kStated : vm::Counting::kDerived;
    vm::RelationOptions options;
    options.name = "r";
    options.columns.resize(1 + random_.below(3));
    options.columns.back().handle = random_.chance(1, 2);
    has_text_ = options.columns.back().handle;
    if (has_text_) options.columns.back().order = vm::ColumnOrderKind::kText;
    options.pool = &pool_;
    options.bag = kind_ == Kind::kBag;
    if (kind_ == Kind::kKeyed) options.key = {0};
    options.weights = kind_ != Kind::kBag;
    arity_ = options.columns.size();
    has_readers_ = random_.chance(1, 2);
    auto made = StandingRelation::create(std::move(options), has_readers_ ? &pins_ : nullptr);
    if (!made) throw Broken{made.error().message};
    relation_ = std::move(*made);
  }

  Word value(std::size_t column) {
    if (has_text_ && column + 1 == arity_) {
      const std::string digit = std::to_string(random_.below(4));
      return pool_.intern(random_.chance(1, 2) ? digit : "a text of many bytes " + digit);
    }
    // A value that needs a wide column is rare, so that columns widen with rows in them.
    if (random_.chance(1, 60)) return random_.next();
    return vm::int_word(random_.between(-1, 4));
  }

  Tuple tuple() {
    Tuple result;
    for (std::size_t c = 0; c < arity_; ++c) result.push_back(value(c));
    return result;
  }

  Tuple known_tuple() {
    if (model_.empty() || random_.chance(1, 4)) return tuple();
    auto place = model_.begin();
    std::advance(place, static_cast<std::ptrdiff_t>(random_.below(model_.size())));
    return place->first;
  }

  // --- epochs

  void run_epoch() {
    const Model before = model_;
    old_ = model_;
    bool failed = false;
    const std::uint64_t operations = 1 + random_.below(6);
    for (std::uint64_t i = 0; i < operations && !failed; ++i) {
      if (random_.chance(1, 8)) add_index();
      failed = change();
      if (failed) break;
      check_step();
      if (!random_.chance(1, 3)) continue;
      relation_->end_step();
      old_ = model_;
      check_step();
    }
    if (!failed)
      check_net("the epoch", before, relation_->epoch_entered(), relation_->epoch_left());
    if (failed || random_.chance(1, 5)) {
      relation_->abort();
      model_ = before;
    } else {
      relation_->commit(++version_);
      if (has_readers_) pins_.publish(version_);
      for (auto& [tuple, row] : model_) {
        for (DurableId& id : row.ids) {
          if (id.source == kOpenSource) id.source = version_;
        }
      }
    }
    next_ordinal_ = 0;
    pool_.end_step();
    pool_.verify();
    relation_->verify();
    old_ = model_;
    check_step();
    if (kind_ == Kind::kBag) check_ids();
    check_readers();
  }

  void check_readers() {
    if (has_readers_ && readers_.size() < 4 && version_ > 0 && random_.chance(1, 2)) {
      auto pin = pins_.pin();
      if (!pin) throw Broken{pin.error().message};
      // Nothing has changed since the last commit.
      readers_.push_back({std::move(*pin), tuples_of(model_)});
    }
    if (!readers_.empty() && random_.chance(1, 3)) {
      readers_.erase(readers_.begin() +
                     static_cast<std::ptrdiff_t>(random_.below(readers_.size())));
    }
    for (const Reader& reader : readers_) {
      expect_equal("a reader", reader.tuples, seen_by(reader.pin));
      for (std::uint32_t index = 0; index < indexes_.size(); ++index) {
        if (indexes_[index].second.range_column >= 0) continue;
        check_index(index, reader.tuples, &reader.pin);
      }
    }
  }

  // What the writer sees of the open step.
  void check_step() {
    if (relation_->size() != tuples_of(model_).size()) throw Broken{"size() is wrong"};
    expect_equal("the writer", tuples_of(model_), seen_by_writer(vm::View::kTotal));
    expect_equal("the step's beginning", tuples_of(old_), seen_by_writer(vm::View::kOld));
    check_net("the step", old_, relation_->entered(), relation_->left());
    check_rows(vm::View::kTotal, model_);
    check_rows(vm::View::kOld, old_);
    for (std::uint32_t index = 0; index < indexes_.size(); ++index) {
      check_index(index, tuples_of(model_), nullptr);
      check_index(index, tuples_of(old_), nullptr, vm::View::kOld);
    }
  }

  // --- changes

  struct Batch {
    std::vector<std::vector<Word>> words;
    std::vector<const Word*> columns;
    std::vector<std::int64_t> weights;
  };

  Batch batch_of(const std::vector<Change>& changes) const {
    Batch batch;
    batch.words.resize(arity_);
    for (const Change& change : changes) {
      for (std::size_t c = 0; c < arity_; ++c) batch.words[c].push_back(change.tuple[c]);
      batch.weights.push_back(change.weight);
    }
    for (const auto& column : batch.words) batch.columns.push_back(column.data());
    return batch;
  }

  // One operation, on both sides. True when it failed as it must: the epoch is to be aborted.
  bool change() {
    std::vector<Change> changes;
    const std::uint64_t count = random_.below(6);
    const bool replaces = kind_ == Kind::kKeyed && random_.chance(2, 3);
    for (std::uint64_t i = 0; i < count; ++i) {
      const bool inserts = replaces || random_.chance(1, 2);
      changes.push_back({inserts ? tuple() : known_tuple(), replaces ? 1 : random_.between(-2, 2)});
    }
    if (kind_ != Kind::kBag && counting_ == vm::Counting::kDerived) keep_sums_positive(changes);
    bool fails = false;
    if (replaces) {
      replace_in_model(changes);
    } else if (kind_ == Kind::kBag) {
      change_bag(changes);
    } else {
      fails = !change_set(changes);
    }
    const Batch batch = batch_of(changes);
    const StandingRelation::Batch given{
        .columns = batch.columns, .n = changes.size(), .weights = batch.weights.data()};
    const auto done =
        replaces ? relation_->replace(given, counting_) : relation_->apply(given, counting_);
    if (done.has_value() == fails) {
      throw Broken{fails ? "a second row under a key is taken" : done.error().message};
    }
    return fails;
  }

  // Derivations are taken back as often as they were given.
  void keep_sums_positive(std::vector<Change>& changes) const {
    std::map<Tuple, std::int64_t> sums;
    for (Change& change : changes) {
      const auto known = model_.find(change.tuple);
      const auto place =
          sums.emplace(change.tuple, known == model_.end() ? 0 : known->second.weight).first;
      change.weight = std::max(change.weight, -place->second);
      place->second += change.weight;
    }
  }

  void replace_in_model(const std::vector<Change>& changes) {
    for (const Change& change : changes) {
      const auto place = under_key(change.tuple[0]);
      if (place != model_.end() && place->first == change.tuple) continue;
      if (place != model_.end()) model_.erase(place);
      model_[change.tuple].weight = 1;
    }
  }

  Model::iterator under_key(Word key) {
    return std::find_if(model_.begin(), model_.end(),
                        [key](const auto& row) { return row.first[0] == key; });
  }

  void change_bag(const std::vector<Change>& changes) {
    for (const Change& change : changes) {
      for (std::int64_t i = 0; i < change.weight; ++i) {
        ModelRow& row = model_[change.tuple];
        row.weight = 1;
        row.ids.push_back({kOpenSource, next_ordinal_++});
      }
      for (std::int64_t i = change.weight; i < 0; ++i) {
        const auto place = model_.find(change.tuple);
        if (place == model_.end()) break;
        Ids& ids = place->second.ids;
        ids.erase(std::max_element(ids.begin(), ids.end()));
        if (ids.empty()) model_.erase(place);
      }
    }
  }

  // False when a key would have two rows.
  bool change_set(const std::vector<Change>& changes) {
    // Equal rows are summed; what is deleted goes first.
    std::vector<Change> nets;
    for (const Change& change : changes) {
      const auto same = std::find_if(nets.begin(), nets.end(),
                                     [&](const Change& n) { return n.tuple == change.tuple; });
      if (same == nets.end()) {
        nets.push_back(change);
      } else {
        same->weight += change.weight;
      }
    }
    std::stable_partition(nets.begin(), nets.end(), [](const Change& n) { return n.weight < 0; });
    for (const Change& net : nets) {
      const auto place = model_.find(net.tuple);
      const std::int64_t weight = place == model_.end() ? 0 : place->second.weight;
      std::int64_t after = std::max<std::int64_t>(0, weight + net.weight);
      if (counting_ == vm::Counting::kStated && net.weight != 0) after = net.weight > 0 ? 1 : 0;
      if (after == weight) continue;
      if (after == 0) {
        model_.erase(place);
        continue;
      }
      if (weight == 0 && kind_ == Kind::kKeyed && under_key(net.tuple[0]) != model_.end()) {
        return false;
      }
      model_[net.tuple].weight = after;
    }
    return true;
  }

  // --- looking

  // Rows that appeared and disappeared, against what changed in the model.
  void check_net(const std::string& what, const Model& before, std::span<const Row> entered,
                 std::span<const Row> left) {
    std::map<Tuple, std::int64_t> found;
    for (const Row row : entered) ++found[load(row)];
    for (const Row row : left) --found[load(row)];
    std::erase_if(found, [](const auto& item) { return item.second == 0; });
    std::map<Tuple, std::int64_t> expected;
    for (const Tuple& tuple : tuples_of(model_)) ++expected[tuple];
    for (const Tuple& tuple : tuples_of(before)) --expected[tuple];
    std::erase_if(expected, [](const auto& item) { return item.second == 0; });
    if (found != expected) throw Broken{what + ": the net is not what changed"};
  }

  Tuple load(const Row& row) const {
    Tuple tuple(arity_);
    for (std::uint32_t c = 0; c < arity_; ++c) relation_->load(c, &row, 1, &tuple[c]);
    return tuple;
  }

  Tuple load(const vm::ReadPin& pin, const Row& row) const {
    Tuple tuple(arity_);
    for (std::uint32_t c = 0; c < arity_; ++c) {
      if (!relation_->load(pin, c, &row, 1, &tuple[c])) throw Broken{"a pin cannot load"};
    }
    return tuple;
  }

  Tuples seen_by_writer(vm::View view) const {
    Tuples tuples;
    Row rows[3];
    Row position = 0;
    while (const std::size_t n = relation_->scan(view, position, rows, 3)) {
      for (std::size_t i = 0; i < n; ++i) tuples.push_back(load(rows[i]));
    }
    std::sort(tuples.begin(), tuples.end());
    return tuples;
  }

  Tuples seen_by(const vm::ReadPin& pin) const {
    Tuples tuples;
    Row rows[3];
    Row position = 0;
    for (;;) {
      const auto n = relation_->scan(pin, position, rows, 3);
      if (!n) throw Broken{"a pin cannot scan"};
      if (*n == 0) break;
      for (std::size_t i = 0; i < *n; ++i) tuples.push_back(load(pin, rows[i]));
    }
    std::sort(tuples.begin(), tuples.end());
    return tuples;
  }

  // Between epochs only: the ids of an open epoch wait for its version.
  void check_ids() const {
    std::map<Tuple, std::set<DurableId>> expected, found;
    for (const auto& [tuple, row] : model_) expected[tuple].insert(row.ids.begin(), row.ids.end());
    Row row = 0;
    Row position = 0;
    while (relation_->scan(vm::View::kTotal, position, &row, 1) == 1) {
      found[load(row)].insert(relation_->durable_id(row));
    }
    if (found != expected) throw Broken{"the durable ids of a bag are wrong"};
  }

  // Rows by their words, and what is known of them.
  void check_rows(vm::View view, const Model& model) {
    for (int i = 0; i < 4; ++i) {
      const Tuple wanted = known_tuple();
      std::vector<const Word*> columns;
      for (const Word& word : wanted) columns.push_back(&word);
      Row row = 0;
      relation_->find(view, columns, 1, &row);
      const auto place = model.find(wanted);
      if ((row != vm::kNoRow) != (place != model.end())) {
        throw Broken{text_of(wanted) + (row == vm::kNoRow ? " is not found" : " is found")};
      }
      if (row == vm::kNoRow || kind_ == Kind::kBag || view == vm::View::kOld) continue;
      const std::int64_t weight =
          counting_ == vm::Counting::kStated ? relation_->is_stated(row) : relation_->weight(row);
      if (weight != place->second.weight) {
        throw Broken{"the weight of " + text_of(wanted) + " is " + std::to_string(weight) +
                     " instead of " + std::to_string(place->second.weight)};
      }
    }
  }

  void add_index() {
    if (indexes_.size() == 3) return;
    vm::IndexSpec spec;
    for (std::uint32_t c = 0; c < arity_; ++c) {
      if (random_.chance(1, 2)) spec.key.push_back(c);
    }
    if (random_.chance(1, 3)) {
      spec.range_column = static_cast<std::int32_t>(random_.below(arity_));
      std::erase(spec.key, static_cast<std::uint32_t>(spec.range_column));
    } else if (spec.key.empty()) {
      spec.key.push_back(0);
    }
    const auto added = relation_->add_index(spec);
    if (!added) throw Broken{added.error().message};
    for (const auto& [number, known] : indexes_) {
      if (number == *added) return;
    }
    indexes_.emplace_back(*added, spec);
  }

  // Probes for the keys of a few tuples at once; by the writer where there is no pin.
  void check_index(std::uint32_t which, const Tuples& tuples, const vm::ReadPin* pin,
                   vm::View view = vm::View::kTotal) {
    const auto& [number, spec] = indexes_[which];
    constexpr std::size_t kKeys = 3;
    std::vector<Tuple> wanted;
    for (std::size_t i = 0; i < kKeys; ++i) {
      wanted.push_back(tuples.empty() || random_.chance(1, 3) ? tuple() : random_.pick(tuples));
    }
    std::vector<std::vector<Word>> keys(spec.key.size());
    std::vector<const Word*> pointers;
    for (std::size_t k = 0; k < keys.size(); ++k) {
      for (const Tuple& one : wanted) keys[k].push_back(one[spec.key[k]]);
      pointers.push_back(keys[k].data());
    }
    std::vector<Row> rows;
    std::vector<std::uint32_t> lanes;
    if (spec.range_column >= 0) {
      relation_->probe_range(number, view, pointers, nullptr, false, nullptr, false, kKeys, rows,
                             lanes);
    } else if (pin == nullptr) {
      relation_->probe(number, view, pointers, kKeys, rows, lanes);
    } else if (!relation_->probe(*pin, number, pointers, kKeys, rows, lanes)) {
      throw Broken{"a pin cannot probe"};
    }
    for (std::uint32_t lane = 0; lane < kKeys; ++lane) {
      Tuples found, expected;
      for (std::size_t i = 0; i < rows.size(); ++i) {
        if (lanes[i] == lane) found.push_back(pin == nullptr ? load(rows[i]) : load(*pin, rows[i]));
      }
      for (const Tuple& one : tuples) {
        const bool fits = std::all_of(spec.key.begin(), spec.key.end(),
                                      [&](std::uint32_t c) { return one[c] == wanted[lane][c]; });
        if (fits) expected.push_back(one);
      }
      std::sort(found.begin(), found.end());
      expect_equal(pin == nullptr ? "an index" : "an index, for a reader", expected, found);
    }
  }

  Random random_;
  vm::TypeTable types_;
  vm::ValuePool pool_;
  vm::PinRegistry pins_;
  std::unique_ptr<StandingRelation> relation_;
  std::vector<Reader> readers_;  // Before the relation goes, and the registry.
  Kind kind_ = Kind::kSet;
  vm::Counting counting_ = vm::Counting::kDerived;
  bool has_text_ = false;
  bool has_readers_ = false;
  std::size_t arity_ = 1;
  std::vector<std::pair<std::uint32_t, vm::IndexSpec>> indexes_;
  Model model_;
  Model old_;  // When the step began.
  std::uint64_t version_ = 0;
  Word next_ordinal_ = 0;
};

}  // namespace

std::optional<std::string> check_history(std::uint64_t seed) {
  try {
    History(seed).run();
  } catch (Broken& broken) {
    return std::move(broken.message);
  }
  return std::nullopt;
}

}  // namespace entail::testing
