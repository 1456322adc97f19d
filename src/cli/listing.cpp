#include "cli/listing.h"

namespace slipway::cli {
namespace {

class Printer {
  public:
    Printer(Environment& environment, const Listing& listing, Format format)
        : environment_(environment),
          format_(format),
          name_key_(listing.name_key),
          table_(environment.out, environment.out_terminal, listing.columns, format) {
        if (format_ == Format::json) environment_.out << '[';
    }
    // False: nobody reads any more.
    bool page(const json::array& items) {
        switch (format_) {
            case Format::table:
            case Format::wide: table_.rows(items); break;
            case Format::name:
                for (const json::value& item : items) {
                    if (item.is_object()) environment_.out << cell(item.get_object(), name_key_) << '\n';
                }
                break;
            case Format::json:
                for (const json::value& item : items) {
                    environment_.out << (std::exchange(first_, false) ? "" : ",\n") << json::dump(item);
                }
                break;
        }
        environment_.out.flush();
        return environment_.out.good();
    }
    void end() {
        if (format_ == Format::json) environment_.out << "]\n";
        if (format_ == Format::table || format_ == Format::wide) table_.end();
    }

  private:
    Environment& environment_;
    Format format_;
    std::string name_key_;
    Table table_;
    bool first_ = true;
};

}  // namespace

Outcome<Exit> list(Api& api, const Listing& listing, Format format) {
    Environment& environment = api.environment();
    std::optional<Printer> printer;  // not before the first answer: an error prints nothing
    const auto print = [&](const json::array& page) {
        if (!printer) printer.emplace(environment, listing, format);
        return printer->page(page);
    };
    const auto more =
        api.pages({listing.target, listing.items, listing.after, listing.limit, listing.whole}, print);
    if (!more) return std::unexpected(more.error());
    printer->end();
    if (*more && environment.out.good()) environment.err << "slipway: there are more; " << listing.more << '\n';
    return Exit::ok;
}

void print_items(Environment& environment, const json::array& items, const Listing& listing, Format format) {
    Printer printer(environment, listing, format);
    printer.page(items);
    printer.end();
}

}  // namespace slipway::cli
