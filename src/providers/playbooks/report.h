// What ansible-playbook says of its progress and of its end, read from what its callback "default" prints.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace slipway::playbooks {

// Fed with the lines of its two outputs, in which nothing is secret any more.
class Report {
  public:
    void read_output(std::string_view line);
    void read_complaint(std::string_view line);

    // "task 3: install nginx"; "" before the first.
    [[nodiscard]] std::string where() const;
    struct Trouble {
        bool unreachable = false;
        std::string where;  // as above
        std::string why;    // in the module's words, shortened
    };
    // The last that was not ignored.
    [[nodiscard]] const std::optional<Trouble>& trouble() const { return trouble_; }
    // Whether any play was for the machine.
    [[nodiscard]] bool played() const { return played_; }
    // Why it did not even begin, e.g. a mistake in the playbook; "" where it says nothing.
    [[nodiscard]] const std::string& error() const { return error_; }

  private:
    std::size_t tasks_ = 0;
    std::string task_;
    std::optional<Trouble> trouble_;
    bool recap_ = false;
    bool played_ = false;
    std::string error_;
    std::size_t error_lines_ = 0;
};

}  // namespace slipway::playbooks
