#include "cli/manual.h"

#include <algorithm>

#include <fmt/format.h>

#include "cli/contains.h"

namespace slipway::cli {
namespace {

// As text in a line of troff.
std::string escape(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '-')
            out += "\\-";
        else if (c == '\\')
            out += "\\e";
        else
            out += c;
    }
    return out.starts_with('.') || out.starts_with('\'') ? "\\&" + out : out;
}

// "list resources" as a sentence.
std::string sentence(std::string_view help) {
    std::string text(help);
    text[0] = static_cast<char>(text[0] >= 'a' && text[0] <= 'z' ? text[0] - 'a' + 'A' : text[0]);
    return escape(text) + ".";
}

std::string synopsis(const std::string& path, const CommandInfo& command) {
    std::string line = fmt::format("\\fB{}\\fR", escape(path));
    for (const OptionText& argument : command.arguments) {
        const std::string name = fmt::format("\\fI{}\\fR{}", argument.names.front(), argument.several ? "..." : "");
        line += argument.required ? " " + name : " [" + name + "]";
    }
    return line;
}

std::string option_head(const OptionText& option) {
    std::string line;
    for (const std::string& name : option.names) {
        line += fmt::format("{}\\fB{}\\fR", line.empty() ? "" : ", ", escape(name));
    }
    return option.value.empty() ? line : line + fmt::format(" \\fI{}\\fR", option.value);
}

void add_command(const std::string& path, const CommandInfo& command, std::string& page) {
    page += fmt::format(".TP\n{}\n{}\n", synopsis(path, command), sentence(command.help));
    page += ".RS\n";
    for (const OptionText& argument : command.arguments) {
        page += fmt::format(".TP\n\\fI{}\\fR\n{}\n", argument.names.front(), escape(argument.help));
    }
    for (const OptionText& option : command.options) {
        if (!option.common) page += fmt::format(".TP\n{}\n{}\n", option_head(option), escape(option.help));
    }
    for (const CommandInfo& inner : command.commands) add_command(path + " " + inner.name, inner, page);
    if (!command.examples.empty()) {
        page += ".PP\n.nf\n";
        std::string_view rest = command.examples;
        while (!rest.empty()) {
            const std::size_t end = std::min(rest.find('\n'), rest.size());
            page += escape(rest.substr(0, end)) + "\n";
            rest.remove_prefix(std::min(end + 1, rest.size()));
        }
        page += ".fi\n";
    }
    page += ".RE\n";
}

}  // namespace

std::string manual_of(const CommandInfo& grammar) {
    std::vector<std::string> groups;
    for (const CommandInfo& command : grammar.commands) {
        if (!contains(groups, command.group)) groups.push_back(command.group);
    }
    std::string page;
    for (const std::string& group : groups) {
        page += fmt::format(".SS {}\n", group);
        for (const CommandInfo& command : grammar.commands) {
            if (command.group == group) add_command("slipway " + command.name, command, page);
        }
    }
    page += ".SS Common options\nThey may come before or after the command.\n";
    for (const OptionText& option : grammar.options) {
        page += fmt::format(".TP\n{}\n{}\n", option_head(option), escape(option.help));
    }
    return page;
}

}  // namespace slipway::cli
