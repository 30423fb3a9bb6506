// SPDX-License-Identifier: Apache-2.0

/// One flag of a subcommand, and what it does to the subcommand's options.
struct Flag<Options>: Sendable {
  /// Without the dashes.
  let name: String
  /// What stands for the value in the help text; nil for a flag that takes no value.
  let placeholder: String?
  /// One sentence for the help text.
  let help: String
  /// Reads the value (empty for a flag that takes none) into the options. The error it throws need
  /// not name the flag.
  let apply: @Sendable (inout Options, String) throws(UsageError) -> Void

  /// A flag that takes a value.
  init(
    _ name: String, _ placeholder: String, _ help: String,
    apply: @escaping @Sendable (inout Options, String) throws(UsageError) -> Void
  ) {
    self.name = name
    self.placeholder = placeholder
    self.help = help
    self.apply = apply
  }

  /// A flag that is either there or not.
  init(_ name: String, _ help: String, set: @escaping @Sendable (inout Options) -> Void) {
    self.name = name
    self.placeholder = nil
    self.help = help
    self.apply = { options, _ in set(&options) }
  }
}

/// The flags that a subcommand understands.
struct FlagSet<Options>: Sendable {
  let flags: [Flag<Options>]

  init(_ flags: [Flag<Options>]) { self.flags = flags }

  /// Reads `--flag value` and `--flag=value` into `options`, from left to right.
  func parse(_ arguments: some Sequence<String>, into options: inout Options) throws(UsageError) {
    var rest = Array(arguments)[...]
    var seen: Set<String> = []
    while let argument = rest.popFirst() {
      let (flag, inlineValue) = try find(argument)
      guard seen.insert(flag.name).inserted else {
        throw UsageError("--\(flag.name) is given more than once")
      }
      let value = try self.value(of: flag, inline: inlineValue, rest: &rest)
      do throws(UsageError) {
        try flag.apply(&options, value)
      } catch {
        throw UsageError("--\(flag.name): \(error.message)", suggestion: error.suggestion)
      }
    }
  }

  private func find(_ argument: String) throws(UsageError) -> (Flag<Options>, String?) {
    guard argument.hasPrefix("-"), argument.count > 1 else {
      throw UsageError("unexpected argument '\(argument)'")
    }
    let bare = argument.drop { $0 == "-" }
    let parts = bare.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let name = String(parts.first ?? "")
    if argument.hasPrefix("--"), let flag = flags.first(where: { $0.name == name }) {
      return (flag, parts.count == 2 ? String(parts[1]) : nil)
    }
    let nearest = nearestName(to: name, among: flags.map(\.name) + ["help", "version"])
    throw UsageError("unknown flag '\(argument)'", suggestion: nearest.map { "--\($0)" })
  }

  private func value(
    of flag: Flag<Options>, inline: String?, rest: inout ArraySlice<String>
  ) throws(UsageError) -> String {
    guard let placeholder = flag.placeholder else {
      guard inline == nil else { throw UsageError("--\(flag.name) takes no value") }
      return ""
    }
    if let inline {
      guard !inline.isEmpty else {
        throw UsageError("--\(flag.name) needs a value (\(placeholder))")
      }
      return inline
    }
    guard let next = rest.first, !next.hasPrefix("--"), !next.isEmpty else {
      throw UsageError("--\(flag.name) needs a value (\(placeholder))")
    }
    rest.removeFirst()
    return next
  }

  /// The flags as aligned lines for a help text, wrapped at 100 columns.
  var helpLines: [String] {
    let titles = flags.map { flag in "--\(flag.name)\(flag.placeholder.map { " \($0)" } ?? "")" }
    let width = titles.map(\.count).max() ?? 0
    var lines: [String] = []
    for (title, flag) in zip(titles, flags) {
      let wrapped = wrap(flag.help, columns: 100 - width - 4)
      for (index, text) in wrapped.enumerated() {
        lines.append("  " + padded(index == 0 ? title : "", to: width) + "  " + text)
      }
    }
    return lines
  }
}

/// Breaks a text at spaces into lines of at most so many columns; a longer word keeps its own line.
func wrap(_ text: String, columns: Int) -> [String] {
  var lines: [String] = []
  var line = ""
  for word in text.split(separator: " ") {
    if !line.isEmpty, line.count + 1 + word.count > columns {
      lines.append(line)
      line = ""
    }
    line += (line.isEmpty ? "" : " ") + word
  }
  if !line.isEmpty || lines.isEmpty { lines.append(line) }
  return lines
}

/// The text, filled up with spaces to a width.
func padded(_ text: String, to width: Int) -> String {
  text + String(repeating: " ", count: max(0, width - text.count))
}
