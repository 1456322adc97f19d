#include "base/log.h"

#include <atomic>

#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "base/clock.h"

namespace slipway::log {
namespace {

std::atomic<Level> threshold = Level::info;
std::function<void(std::string_view)>& captured() {
    static std::function<void(std::string_view)> sink;
    return sink;
}

std::atomic<Format> line_format = Format::text;

spdlog::logger& sink() {
    static const auto logger = [] {
        auto made = spdlog::stderr_logger_mt("slipway");
        made->set_pattern("%v");
        made->set_level(spdlog::level::trace);
        return made;
    }();
    return *logger;
}

std::string_view name(Level level) {
    switch (level) {
        case Level::debug: return "debug";
        case Level::info: return "info";
        case Level::warning: return "warning";
        case Level::error: return "error";
    }
    return "?";
}

std::string in_quotes(std::string_view text) {
    return boost::json::serialize(boost::json::string_view(text.data(), text.size()));
}

bool plain(std::string_view text) {
    return !text.empty() && text.find_first_of(" \"\\=") == std::string_view::npos &&
           std::ranges::all_of(text, [](unsigned char c) { return c > 0x20 && c < 0x7f; });
}

// A message comes from our own code, but may quote foreign text: keep control characters out.
std::string one_line(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
            out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
        } else {
            out += c;
        }
    }
    return out;
}

}  // namespace

void configure(Level level, Format format) {
    threshold = level;
    line_format = format;
    sink();
}

void capture(std::function<void(std::string_view line)> sink) { captured() = std::move(sink); }

bool enabled(Level level) { return level >= threshold.load(std::memory_order_relaxed); }

void write(Level level, std::string_view component, std::string_view message, std::initializer_list<Field> fields) {
    if (!enabled(level)) return;
    const std::string time = format_time(SystemClock().now());
    std::string line;
    if (line_format == Format::json) {
        line = fmt::format(R"({{"time":"{}","level":"{}","component":{},"message":{})", time, name(level),
                           in_quotes(component), in_quotes(message));
        for (const Field& field : fields)
            line += fmt::format(",{}:{}", in_quotes(field.key), in_quotes(field.value));
        line += '}';
    } else {
        line = fmt::format("{} {:<7} {} {}", time, name(level), component, one_line(message));
        for (const Field& field : fields) {
            line += fmt::format(" {}={}", field.key, plain(field.value) ? field.value : in_quotes(field.value));
        }
    }
    if (captured()) {
        captured()(line);
        return;
    }
    sink().info(line);
    sink().flush();
}

}  // namespace slipway::log
