// Logging behind one header. Lines are `time level component message key=value ...`, or JSON objects.
// Nothing here takes a Secret: it does not compile.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace slipway::log {

enum class Level : std::uint8_t { debug, info, warning, error };
enum class Format : std::uint8_t { text, json };

// Called once by main before threads start. Lines go to standard error.
void configure(Level level, Format format);

// Tests and simulations read every line here instead of standard error; empty puts it back. Not thread-safe.
void capture(std::function<void(std::string_view line)> sink);

// A named value of a line, e.g. {"operation", id.str()}. Values are escaped, so that one line stays one line.
struct Field {
    std::string_view key;
    std::string value;
};

// Thread-safe.
void write(Level level, std::string_view component, std::string_view message,
           std::initializer_list<Field> fields = {});
bool enabled(Level level);

inline void debug(std::string_view component, std::string_view message, std::initializer_list<Field> fields = {}) {
    if (enabled(Level::debug)) write(Level::debug, component, message, fields);
}
inline void info(std::string_view component, std::string_view message, std::initializer_list<Field> fields = {}) {
    write(Level::info, component, message, fields);
}
inline void warning(std::string_view component, std::string_view message,
                    std::initializer_list<Field> fields = {}) {
    write(Level::warning, component, message, fields);
}
inline void error(std::string_view component, std::string_view message, std::initializer_list<Field> fields = {}) {
    write(Level::error, component, message, fields);
}

}  // namespace slipway::log
