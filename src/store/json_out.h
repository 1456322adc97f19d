// Writes JSON text straight into a string: bodies are written far more often than they are read, and a tree of
// values in between would cost more than everything else a commit does on its caller's thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "base/clock.h"
#include "base/json.h"

namespace slipway::store {

// Members are written in the order of the calls. Keys of `member` must be plain ASCII words; those of `text_member`
// may be anything. Bytes that are not UTF-8 are kept as they are: reading gives the same bytes back.
class JsonOut {
  public:
    JsonOut() { out_.reserve(1024); }

    void begin_object() { open('{'); }
    void begin_object(std::string_view key) { member(key), open('{'); }
    void end_object() { close('}'); }
    void begin_array(std::string_view key) { member(key), open('['); }
    void end_array() { close(']'); }

    void text(std::string_view key, std::string_view value) { member(key), append_quoted(value); }
    void text_member(std::string_view key, std::string_view value) {
        separate();
        append_quoted(key);
        out_ += ':';
        append_quoted(value);
    }
    void number_member(std::string_view key, std::int64_t value) {
        separate();
        append_quoted(key);
        out_ += ':';
        append_number(value);
    }
    void object_member(std::string_view key) {
        separate();
        append_quoted(key);
        out_ += ':';
        open('{');
    }
    template <class Integer>
    void number(std::string_view key, Integer value) {
        member(key);
        append_number(value);
    }
    void boolean(std::string_view key, bool value) { member(key), out_ += value ? "true" : "false"; }
    void time(std::string_view key, TimePoint value) { number(key, to_micros(value)); }
    void tree(std::string_view key, const json::object& value);
    void texts(std::string_view key, const std::vector<std::string>& values);

    void text_item(std::string_view value) { separate(), append_quoted(value); }
    void object_item() { separate(), open('{'); }

    [[nodiscard]] std::string take() { return std::move(out_); }

  private:
    void open(char bracket) { out_ += bracket, first_ = true; }
    void close(char bracket) { out_ += bracket, first_ = false; }
    void separate() {
        if (!first_) out_ += ',';
        first_ = false;
    }
    void member(std::string_view key) {
        separate();
        out_ += '"';
        out_ += key;
        out_ += "\":";
    }
    template <class Integer>
    void append_number(Integer value) {
        const fmt::format_int digits(value);
        out_.append(digits.data(), digits.size());
    }
    void append_quoted(std::string_view text);

    std::string out_;
    bool first_ = true;
};

}  // namespace slipway::store
