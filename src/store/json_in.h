// Reads the bodies back: strict about what is missing or of the wrong type, indifferent to what it does not know
// (a newer version may have written it). The first problem is kept; later reads then give defaults, so that a
// reader can be written without a check after each member.
#pragma once

#include <concepts>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/storage_ptr.hpp>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"

namespace slipway::store {

class JsonIn;

// One parsed document and the first problem that was found in it.
class JsonDocument {
  public:
    // `what` names the thing in errors, e.g. "resource res_01…".
    JsonDocument(std::string_view text, std::string what);
    [[nodiscard]] JsonIn root();
    // The first problem as ErrorCode::storage, or nothing.
    [[nodiscard]] const std::optional<Error>& problem() const { return problem_; }
    void complain(std::string_view path, std::string_view problem);

  private:
    json::value value_;
    std::string what_;
    std::optional<Error> problem_;
};

// A view of one object of the document; lives no longer than it.
class JsonIn {
  public:
    JsonIn(JsonDocument& document, const json::object* object) : document_(&document), object_(object) {}

    [[nodiscard]] std::string text(std::string_view key);
    // For members that older versions did not write: the default, where it is missing.
    [[nodiscard]] std::string text_if_any(std::string_view key);
    [[nodiscard]] bool has(std::string_view key) const { return object_ != nullptr && object_->contains(key); }
    [[nodiscard]] bool boolean(std::string_view key);
    [[nodiscard]] TimePoint time(std::string_view key);  // between the years 1 and 9999
    [[nodiscard]] std::int64_t integer(std::string_view key);
    [[nodiscard]] std::uint64_t natural(std::string_view key);
    template <std::unsigned_integral T>
    [[nodiscard]] T natural_as(std::string_view key) {
        const std::uint64_t value = natural(key);
        if (value > std::numeric_limits<T>::max()) complain(key, "is out of range");
        return static_cast<T>(value);
    }
    [[nodiscard]] json::object tree(std::string_view key);  // a deep copy
    [[nodiscard]] std::vector<std::string> texts(std::string_view key);
    [[nodiscard]] JsonIn object(std::string_view key);
    // Empty where it is missing or no array (which is then the problem).
    [[nodiscard]] const json::array& array(std::string_view key);
    // A word of an enum, read by its parser.
    template <class Parse>
    [[nodiscard]] auto word(std::string_view key, Parse parse) {
        const std::string read = text(key);
        auto parsed = parse(std::string_view(read));
        if (!parsed) complain(key, "is an unknown word");
        return parsed.value_or(typename decltype(parsed)::value_type{});
    }

    // The members, e.g. of a map.
    [[nodiscard]] const json::object& members() const;
    [[nodiscard]] JsonIn item(const json::value& item);
    void complain(std::string_view key, std::string_view problem) { document_->complain(key, problem); }

  private:
    const json::value* find(std::string_view key);
    JsonDocument* document_;
    const json::object* object_;
};

}  // namespace slipway::store
