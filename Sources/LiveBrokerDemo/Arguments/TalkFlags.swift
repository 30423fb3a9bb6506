// SPDX-License-Identifier: Apache-2.0

#if NIO
import LiveBroker

extension TalkOptions {
  static let flags = FlagSet<TalkOptions>(service + conversation + tokens + output)

  private static let service: [Flag<TalkOptions>] = [
    Flag("endpoint", "URL", "http(s)://HOST:PORT of a server (default: the real service)") {
      options, text throws(UsageError) in
      options.endpoint = try LiveEndpoint(url: text)
    },
    Flag("ca", "FILE", "certificate in PEM to trust, for a server that made its own") {
      options, text throws(UsageError) in
      options.authority = text
    },
    Flag("model", "NAME", "which model (default \(defaultModel))") {
      options, text throws(UsageError) in
      options.model = text
    },
  ]

  private static let conversation: [Flag<TalkOptions>] = [
    Flag(
      "audio", "FILE|built-in|none",
      "what is spoken: a WAV file (PCM, 16 bit, mono, 16 kHz), once or for --minutes; none for text "
        + "(default: text from standard input, or built-in for many sessions)"
    ) { options, text throws(UsageError) in
      switch text {
      case "none": options.speech = SpeechSource.none
      case "built-in": options.speech = .builtIn
      default: options.speech = .file(text)
      }
    },
    Flag("sessions", "N", "sessions at once, each at another place of the speech (default 1)") {
      options, text throws(UsageError) in
      options.sessions = try FlagValue.integer(text, in: 1...1_000_000)
    },
    Flag("minutes", "M", "how long (default: to the end of the input; 1 for many sessions)") {
      options, text throws(UsageError) in
      options.minutes = try FlagValue.decimal(text, in: 0.05...100_000)
    },
    Flag(
      "handover", "afterClose|optimistic",
      "whether the new connection's setup waits for the old one's close to be answered (default afterClose)"
    ) { options, text throws(UsageError) in
      options.handover = try FlagValue.choice(text)
    },
    Flag("seed", "N", "chooses what each of many sessions says and when (default 1)") {
      options, text throws(UsageError) in
      options.seed = try FlagValue.integer(text, in: 0...UInt64.max)
    },
  ]

  private static let tokens: [Flag<TalkOptions>] = [
    Flag("token-lifetime", "TIME", "asked for when minting (default: as the service gives it)") {
      options, text throws(UsageError) in
      options.tokenLifetime = try FlagValue.duration(text, in: .seconds(1) ... .seconds(71_999))
    },
    Flag("new-session-window", "TIME", "asked for when minting (default: as the service gives it)")
    { options, text throws(UsageError) in
      options.newSessionWindow = try FlagValue.duration(text, in: .seconds(1) ... .seconds(71_999))
    },
  ]

  private static let output: [Flag<TalkOptions>] = [
    Flag("save", "FILE", "writes the model's voice: WAV, 24 kHz, 16 bit, mono") {
      options, text throws(UsageError) in
      options.saveFile = text
    },
    Flag("json", "prints nothing but the result, as one line of JSON") { $0.printsJSON = true },
  ]

  /// The flags, and what they do not say.
  static var helpLines: [String] {
    flags.helpLines + [
      "",
      "The key is in GEMINI_API_KEY. With --endpoint it may be missing: then, and over plain http",
      "to another host, \(TalkKey.placeholder) is sent. A plain number as TIME counts milliseconds.",
      "Exit codes: 0 every promise held, 1 one did not, 64 wrong arguments, 66 certificate unreadable,",
      "69 no answer, 73 --save cannot be written, 77 key or model refused, 78 no key, 130 second Ctrl-C.",
      "",
    ]
  }
}

extension LiveEndpoint {
  /// Reads `http://HOST:PORT/PREFIX` or the same with https.
  init(url text: String) throws(UsageError) {
    let complaint = UsageError(
      "'\(text)' is not like http://127.0.0.1:8080 or https://localhost:8443")
    let parts = text.split(separator: "://", maxSplits: 1)
    guard parts.count == 2, parts[0] == "http" || parts[0] == "https" else { throw complaint }
    let usesTLS = parts[0] == "https"
    let slash = parts[1].firstIndex(of: "/") ?? parts[1].endIndex
    let (host, port) = try Self.authority(parts[1][..<slash], usesTLS: usesTLS, complaint)
    var path = String(parts[1][slash...])
    while path.hasSuffix("/") { path.removeLast() }
    guard !path.contains("?"), !path.contains("#") else { throw complaint }
    self.init(host: host, port: port, usesTLS: usesTLS, basePath: path)
  }

  /// A host, in brackets if it is an address with colons, and a port.
  private static func authority(
    _ text: Substring, usesTLS: Bool, _ complaint: UsageError
  ) throws(UsageError) -> (host: String, port: Int) {
    var rest = text
    var host: Substring
    if rest.first == "[" {
      guard let end = rest.firstIndex(of: "]") else { throw complaint }
      host = rest[rest.index(after: rest.startIndex)..<end]
      rest = rest[rest.index(after: end)...]
    } else {
      let end = rest.firstIndex(of: ":") ?? rest.endIndex
      host = rest[..<end]
      rest = rest[end...]
    }
    let allowed = host.allSatisfy {
      $0.isASCII && ($0.isLetter || $0.isNumber || "-._:".contains($0))
    }
    guard !host.isEmpty, allowed else { throw complaint }
    guard !rest.isEmpty else { return (String(host), usesTLS ? 443 : 80) }
    guard rest.removeFirst() == ":", let port = Int(rest), (1...65_535).contains(port) else {
      throw complaint
    }
    return (String(host), port)
  }
}
#endif
