// SPDX-License-Identifier: Apache-2.0

/// A subcommand of the program. To add one: write a conforming type in a file of its own under
/// `Commands/`, and name it in ``CommandLineCall/commands``.
protocol DemoCommand: Sendable {
  /// The word that chooses it.
  static var name: String { get }
  /// What it does, for the list of subcommands.
  static var summary: String { get }
  /// Its flags, aligned, for the help text.
  static var flagLines: [String] { get }

  /// Reads the arguments behind its name.
  init(arguments: ArraySlice<String>) throws(UsageError)

  /// Runs it to its end.
  func run() async -> ExitStatus
}

/// What the program was asked to do.
enum CommandLineCall: Sendable {
  case run(any DemoCommand)
  case show(String)

  /// Every subcommand that exists, the default one first.
  static let commands: [any DemoCommand.Type] = [TourCommand.self] + socketCommands

  #if NIO
  private static let socketCommands: [any DemoCommand.Type] = [ServeCommand.self, TalkCommand.self]
  /// Subcommands that this build leaves out.
  private static let absentNames: [String] = []
  #else
  private static let socketCommands: [any DemoCommand.Type] = []
  /// Subcommands that this build leaves out.
  private static let absentNames = ["serve", "talk"]
  #endif

  static let version = "0.1.0"

  /// Understands the arguments without the program's own name.
  init(
    _ arguments: some Sequence<String>,
    commands: [any DemoCommand.Type] = Self.commands
  ) throws(UsageError) {
    var rest = Array(arguments)[...]
    var chosen: (any DemoCommand.Type)?
    if let word = rest.first, !word.hasPrefix("-") {
      chosen = commands.first { $0.name == word }
      guard chosen != nil || !Self.absentNames.contains(word) else {
        throw UsageError(
          "'\(word)' needs real sockets, which this build leaves out; "
            + "build with them: swift run --traits NIO LiveBrokerDemo \(word)")
      }
      guard chosen != nil else {
        throw UsageError(
          "unknown subcommand '\(word)'",
          suggestion: nearestName(to: word, among: commands.map { $0.name }))
      }
      rest.removeFirst()
    }
    if rest.contains("--help") || rest.contains("-h") {
      self = .show(chosen.map(Self.help(of:)) ?? Self.generalHelp(commands))
    } else if rest.contains("--version") {
      self = .show("LiveBrokerDemo \(Self.version)")
    } else if let command = chosen ?? commands.first {
      self = .run(try command.init(arguments: rest))
    } else {
      self = .show(Self.generalHelp(commands))
    }
  }

  private static func generalHelp(_ commands: [any DemoCommand.Type]) -> String {
    let width = commands.map { $0.name.count }.max() ?? 0
    var lines = [
      "LiveBrokerDemo \(version): shows what LiveBroker does, against an emulated service.", "",
      "usage: LiveBrokerDemo [subcommand] [flags]", "", "subcommands:",
    ]
    for (index, command) in commands.enumerated() {
      let note = index == 0 ? " (default)" : ""
      lines.append("  \(padded(command.name, to: width))  \(command.summary)\(note)")
    }
    for command in commands { lines += ["", "flags of \(command.name):"] + command.flagLines }
    return (lines + ["", "flags everywhere:"] + commonFlagLines).joined(separator: "\n")
  }

  private static func help(of command: any DemoCommand.Type) -> String {
    let head = [
      "LiveBrokerDemo \(command.name): \(command.summary)", "",
      "usage: LiveBrokerDemo \(command.name) [flags]", "", "flags:",
    ]
    return (head + command.flagLines + commonFlagLines).joined(separator: "\n")
  }

  private static let commonFlagLines = [
    "  --help     shows this text",
    "  --version  shows the version",
  ]
}
