// SPDX-License-Identifier: Apache-2.0

#if NIO
import LiveBroker
import LiveEmulator

extension ServeOptions {
  static let flags = FlagSet<ServeOptions>(listening + lifetimes + behaviour)

  private static let listening: [Flag<ServeOptions>] = [
    Flag("port", "N", "TCP port; 0 takes a free one (default 8765)") {
      options, text throws(UsageError) in
      options.port = try FlagValue.integer(text, in: 0...65_535)
    },
    Flag("host", "ADDRESS", "address to listen on (default 127.0.0.1)") {
      options, text throws(UsageError) in
      options.host = text
    },
    Flag("tls-cert", "FILE", "certificate chain in PEM: serves https and wss") {
      options, text throws(UsageError) in
      options.certificate = text
    },
    Flag("tls-key", "FILE", "the certificate's private key in PEM") {
      options, text throws(UsageError) in
      options.key = text
    },
    Flag("drain", "TIME", "how long sessions may take to leave after Ctrl-C (default 10s)") {
      options, text throws(UsageError) in
      options.drainTime = try FlagValue.duration(text, in: .zero ... .seconds(3_600))
    },
    Flag(
      "log", "text|verbose|json|none",
      "what is written to standard error about what happens, never a secret (default text)"
    ) { options, text throws(UsageError) in
      options.log = try FlagValue.choice(text)
    },
  ]

  private static let lifetimes: [Flag<ServeOptions>] = [
    lifetime("connection-lifetime", "life of a connection (default 600s)", \.connectionLifetime),
    Flag("go-away-notice", "TIME", "how long before its end goAway comes; 0 for none (default 60s)")
    { options, text throws(UsageError) in
      options.goAwayNotice = try FlagValue.duration(text, in: .zero ... .seconds(86_400))
    },
    lifetime(
      "new-session-window", "how long a token opens new sessions, at most (default 60s)",
      \.newSessionWindow),
    lifetime("token-lifetime", "life of a token, at most (default 1800s)", \.tokenLifetime),
    lifetime(
      "handle-lifetime", "life of a handle after the last connection (default 7200s)",
      \.handleLifetime),
  ]

  private static let behaviour: [Flag<ServeOptions>] = [
    Flag(
      "api-key", "KEY[,KEY]", "the only API keys that are good (default: all but bad-key)"
    ) { options, text throws(UsageError) in
      let keys = text.split(separator: ",")
      guard !keys.isEmpty else { throw UsageError("there is no key in '\(text)'") }
      options.apiKeys = Set(keys.map { Secret(String($0)) })
    },
    Flag("answer-length", "TIME", "audio of an ordinary answer (default 2s)") {
      options, text throws(UsageError) in
      options.answerLength = try FlagValue.duration(text, in: .zero ... .seconds(600))
    },
    Flag("admit", "N", "upgrades per second; the others get HTTP 503 (default: all)") {
      options, text throws(UsageError) in
      options.admittedPerSecond = try FlagValue.integer(text, in: 1...1_000_000)
    },
    Flag("max-sessions", "N", "sessions at one time; one more meets the quota (default: any)") {
      options, text throws(UsageError) in
      options.concurrentSessions = try FlagValue.integer(text, in: 1...10_000_000)
    },
    Flag("variant", "NAME[,NAME]", "what is in dispute about the real service; see below") {
      options, text throws(UsageError) in
      for name in text.split(separator: ",") {
        options.variants.insert(try FlagValue.choice(String(name)))
      }
    },
    Flag("faults", "SPEC", "what goes wrong, and how often; see below (default: nothing)") {
      options, text throws(UsageError) in
      options.faults = text
    },
    Flag(
      "closes", "NAME[,NAME]",
      "what faults that close choose from; see below (default: a bad day's)"
    ) { options, text throws(UsageError) in
      options.closes = try text.split(separator: ",").map { name throws(UsageError) in
        try FlagValue.choice(String(name))
      }
      guard options.closes?.isEmpty == false else {
        throw UsageError("there is no name in '\(text)'")
      }
    },
    Flag("seed", "N", "chooses every fault and jitter (default 1)") {
      options, text throws(UsageError) in
      options.seed = try FlagValue.integer(text, in: 0...UInt64.max)
    },
  ]

  private static func lifetime(
    _ name: String, _ help: String,
    _ property: any WritableKeyPath<ServeOptions, Duration> & Sendable
  ) -> Flag<ServeOptions> {
    Flag(name, "TIME", help) { options, text throws(UsageError) in
      options[keyPath: property] = try FlagValue.duration(
        text, in: .milliseconds(100) ... .seconds(8_640_000))
    }
  }

  /// The flags, the names of variants, and the faults.
  static var helpLines: [String] {
    flags.helpLines
      + ["", "a plain number as TIME counts milliseconds", "", "variants:"]
      + variantLines + ["", "faults, as --faults drop=0.01,delay-pong=20s,goaway-silence:"]
      + FaultSpec.helpLines + ["", "closes, a bad day's marked *:"] + closeLines + [""]
  }

  private static var closeLines: [String] {
    let width = Close.allCases.map(\.rawValue.count).max() ?? 0
    return Close.allCases.map { close in
      let notice = close.notice
      let mark = CloseNotice.incidents.contains(notice) ? "*" : " "
      let line = "  \(mark) \(padded(close.rawValue, to: width))  \(notice.code) \(notice.reason)"
      return shortened(line, to: 100)
    }
  }

  private static let variantLines = [
    "    v1                          version v1 exists (the service answers 404)",
    "    text-frames                 server messages in text frames (they are binary)",
    "    pretty                      server messages over several lines",
    "    no-header-tokens            tokens only as ?access_token=",
    "    resume-spends-use           a resume costs a use of its token",
    "    full-lock-keeps-resumption  a token without a field mask leaves the handle alone",
    "    unasked-handles             handles for clients that did not ask",
    "    invalid-handle-1007         the other close for an unknown handle",
    "    transparent                 transparent resumption works, as on Vertex",
    "    usage-apart                 a turn's usage in a message of its own",
  ]
}
#endif
