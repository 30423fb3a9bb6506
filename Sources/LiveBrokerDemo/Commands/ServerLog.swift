// SPDX-License-Identifier: Apache-2.0

#if NIO
import LiveBroker
import LiveEmulator

/// Writes what happens at a server to standard error, a line each, for people or for programs.
struct ServerLog: Sendable {
  private let style: ServeOptions.Log

  /// Nil if nothing is to be written.
  init?(_ style: ServeOptions.Log) {
    guard style != .none else { return nil }
    self.style = style
  }

  func write(_ event: ServerEvent) {
    let time = SystemClock().wallTime
    if let line = line(event, at: time) { Console.draw(line + "\n") }
  }

  /// The line for an event; nil if this style leaves it out.
  func line(_ event: ServerEvent, at time: WallTime) -> String? {
    let entry = LogEntry(event)
    guard style != .json else {
      var json = JSONLine()
      json.add("time", time.rfc3339)
      json.add("event", entry.word)
      if let connection = entry.connection { json.add("connection", connection) }
      if let session = entry.session { json.add("session", session) }
      json.add("text", entry.text)
      return json.text
    }
    guard style == .verbose || !entry.isDetail else { return nil }
    let text = printableLine(entry.text)
    let clock = time.rfc3339.dropFirst(11).prefix(12).filter { $0 != "Z" }
    let connection = entry.connection.map { "c\($0)" } ?? ""
    let session = entry.session.map { "s\($0)" } ?? ""
    return
      "\(padded(clock, to: 12))  \(padded(connection, to: 6)) \(padded(session, to: 6)) \(text)"
  }
}

/// One event in words.
struct LogEntry: Sendable {
  var word: String
  var text: String
  var connection: ConnectionID?
  var session: Int?
  /// Whether it comes too often to be read.
  var isDetail = false

  private init(
    _ word: String, _ text: String, connection: ConnectionID? = nil, session: Int? = nil,
    isDetail: Bool = false
  ) {
    self.word = word
    self.text = text
    self.connection = connection
    self.session = session
    self.isDetail = isDetail
  }

  init(_ event: ServerEvent) {
    switch event {
    case .service(let note): self.init(note)
    case .opened(let id, let method, let credential):
      self.init("opened", "\(method), credential: \(credential)", connection: id)
    case .gone(let id): self.init("gone", "connection gone", connection: id, isDetail: true)
    case .slowClientCut(let id, let bytes):
      self.init("slow-client", "cut: does not read, \(bytes) bytes waited", connection: id)
    case .violation(let id, let code, let what):
      self.init("violation", "refused with \(code): \(what)", connection: id)
    case .handshakeFailed:
      self.init(
        "handshake-failed",
        "no TLS with a client: it speaks plain http, or distrusts the certificate")
    case .requestRefused(let status, let what):
      self.init("request-refused", "HTTP \(status): \(what)")
    case .stalled(let what): self.init("stalled", "\(what) is left without an answer (fault)")
    case .draining(let open):
      self.init("draining", "draining: \(counted(open, "connection")) told to go")
    }
  }

  private init(_ note: ServiceNote) {
    switch note {
    case .minted(let token): self.init("minted", "token \(token) minted")
    case .mintRefused(let status): self.init("mint-refused", "mint refused: HTTP \(status)")
    case .upgradeRefused(let id, let status):
      self.init("upgrade-refused", "upgrade refused: HTTP \(status)", connection: id)
    case .setupRefused(let id, let code, let reason):
      self.init("setup-refused", "setup refused: \(code) \(reason)", connection: id)
    case .goAway(let id, let left):
      self.init("go-away", "goAway, \(durationText(left)) left", connection: id)
    case .closed(let id, let code, let reason):
      self.init("closed", "closed: \(code) \(reason)", connection: id)
    case .closedByClient(let id, let code):
      self.init("closed-by-client", "closed by the client: \(code ?? 1005)", connection: id)
    case .dropped(let id, let byService):
      self.init("dropped", byService ? "cut" : "cut by the client", connection: id)
    case .fault(let id, let fault):
      self.init("fault", "fault: \(Self.word(fault))", connection: id)
    case .promiseBroken(let promise):
      self.init(
        "promise-broken", "PROMISE BROKEN: \(promise.kind)", connection: promise.connection,
        session: promise.session)
    default: self.init(ofSession: note)
    }
  }

  private init(ofSession note: ServiceNote) {
    switch note {
    case .sessionStarted(let id, let session):
      self.init("session-started", "session started", connection: id, session: session)
    case .sessionResumed(let id, let session, let checkpoint):
      self.init(
        "session-resumed", "session resumed at checkpoint \(checkpoint)", connection: id,
        session: session)
    case .rolledBack(let session, let messages, let bytes):
      self.init(
        "rolled-back", "went back: \(messages) entries, \(bytes) bytes of media forgotten",
        session: session)
    case .checkpoint(let session, let checkpoint):
      self.init("handle", "handle \(checkpoint)", session: session, isDetail: true)
    case .withheld(let session):
      self.init("withheld", "not resumable now", session: session, isDetail: true)
    case .turnStarted(let session):
      self.init("turn-started", "turn begins", session: session, isDetail: true)
    case .turnEnded(let session, let interrupted):
      self.init(
        "turn-ended", interrupted ? "turn interrupted" : "turn ends", session: session)
    case .toolCalled(let session, let calls):
      self.init("tool-called", "calls \(calls) function\(calls == 1 ? "" : "s")", session: session)
    case .forgotten(let session): self.init("forgotten", "session forgotten", session: session)
    default: self.init("note", "something happened")
    }
  }

  /// A fault's name alone: it may hold a message.
  private static func word(_ fault: ServiceFault) -> String {
    let text = "\(fault)"
    return String(text.prefix { $0 != "(" })
  }
}
#endif
