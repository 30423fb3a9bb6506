// SPDX-License-Identifier: Apache-2.0

#if NIO
/// What the user asked of a subcommand on real sockets.
struct SocketOptions: Sendable {
  var sessions: Int?
  var seconds: Double?
  var rounds: Int?
  var usesTLS = false
  var python: String?
  var only: String?
  var handleInterval: Double?
  var isQuick = false
  var printsJSON = false
  var showsHelp = false

  init(_ arguments: some Sequence<String>) throws(Options.Wrong) {
    var rest = Array(arguments)[...]
    while let word = rest.popFirst() {
      switch word {
      case "--tls": usesTLS = true
      case "--quick": isQuick = true
      case "--json": printsJSON = true
      case "--help", "-h": showsHelp = true
      case "--sessions": sessions = try Self.number(word, rest.popFirst(), upTo: 60_000)
      case "--seconds": seconds = Double(try Self.number(word, rest.popFirst(), upTo: 86_400))
      case "--rounds": rounds = try Self.number(word, rest.popFirst(), upTo: 100)
      case "--handle-interval":
        handleInterval = Double(try Self.number(word, rest.popFirst(), upTo: 60_000)) / 1_000
      case "--only": only = rest.popFirst()
      case "--python":
        guard let path = rest.popFirst() else {
          throw Options.Wrong(description: "--python takes the path of an interpreter")
        }
        python = path
      default: throw Options.Wrong(description: "unknown argument '\(word)'")
      }
    }
  }

  private static func number(
    _ flag: String, _ text: String?, upTo limit: Int
  ) throws(Options.Wrong) -> Int {
    guard let text, let number = Int(text), (1...limit).contains(number) else {
      throw Options.Wrong(description: "\(flag) takes a whole number from 1 to \(limit)")
    }
    return number
  }

  static func help(_ name: String) -> String {
    let (summary, own) =
      switch name {
      case SocketCommands.soak: (soakSummary, soakFlags)
      case SocketCommands.hold: (holdSummary, holdFlags)
      default: (raceSummary, raceFlags)
      }
    return """
      \(name): \(summary)

      usage: LiveBrokerBenchmarks \(name) [flags]

      \(own)
        --quick       a small form of a few seconds: that it runs, not how fast
        --json        one line for machines
        --help        this text
      The server is another process, which ends with this one.
      Exit codes: 0 measured, 64 wrong usage, 70 it failed, or found what must not be.
      """
  }

  private static let soakSummary = """
    sessions that speak and listen over real sockets, while connections live 5 s
    (notice 1 s) and tokens 15 s (2 s to begin a session); what they sent is held against what the
    server remembers, and what is left behind is counted.
    """
  private static let soakFlags = """
      --sessions N  sessions (default 1,000)
      --seconds N   how long they speak in a round (default 60)
      --rounds N    identical rounds in this process (default 2)
      --handle-interval N  milliseconds between two handles at the least, at the most twice that;
                    default 200: scaled like the rest. The service's own are said to be 1,000: more
                    than a notice of 1 s leaves to cover what was just said
      --tls         over TLS (needs the program openssl for a throw-away certificate)
    """
  private static let holdSummary = """
    opens idle sessions, keeps them, and measures what this process grows by.
    """
  private static let holdFlags = """
      --sessions N  sessions (default 19,000)
      --seconds N   how long they are kept (default 20)
      --tls         over TLS (needs the program openssl for a throw-away certificate)
    """
  private static let raceSummary = """
    processor time of the client for one reconnect: a broker's, and a bare client's that
    does nothing else, on one server and one event loop each, in turns.
    """
  private static let raceFlags = """
      --sessions N  sessions that reconnect all the time (default 1,800)
      --seconds N   length of a turn (default 8)
      --rounds N    turns of each; the median is shown (default 5)
      --tls         over TLS
      --only NAME   no turns but those of broker, bare or genai: for profilers
      --python PATH an interpreter with google-genai, which then takes its turns; plain, and then
                    all again over TLS, which is what it speaks unless its address is patched
    """
}
#endif
