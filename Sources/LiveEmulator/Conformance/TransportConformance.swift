// SPDX-License-Identifier: Apache-2.0

public import LiveBroker
internal import Synchronization

/// What every transport must do, as checks that can be run against any.
///
/// The suite imports no test library: it returns what it found. It waits for facts; the only time in
/// it is the patience with which it waits for what never comes.
///
/// ```swift
/// let violations = await TransportConformance(transport, peer: peer, runtime: runtime).check()
/// ```
public struct TransportConformance: Sendable {
  let transport: any LiveTransport
  let peer: any ConformancePeer
  let executor: any ShardExecutor
  let patience: Patience
  let messageLimit: Int?
  private let serial = ConformanceSerial()

  /// Prepares the checks.
  ///
  /// - Parameters:
  ///   - transport: What is checked.
  ///   - peer: The far end, reached through the transport.
  ///   - runtime: Gives clock and executor; the first shard's executor is used, and must run.
  ///   - patience: How long to wait for what should come at once. Default 10 s.
  ///   - messageLimit: The most bytes of one inbound message that the transport takes, as it is
  ///     configured here. Nil, the default, leaves out the check of what is larger. That wants a small
  ///     limit, so that a message fits into the buffers of a socket; others need one above 1 MiB.
  ///     What is larger must end the connection with ``TransportError/Code/protocolViolation`` and a
  ///     close 1009 as soon as it is announced, so that nobody waits for it.
  public init(
    _ transport: any LiveTransport, peer: any ConformancePeer, runtime: BrokerRuntime,
    patience: Duration = .seconds(10), messageLimit: Int? = nil
  ) {
    self.transport = transport
    self.messageLimit = messageLimit
    self.peer = peer
    executor = runtime.shardExecutors[0]
    self.patience = Patience(
      clock: runtime.clock, executor: runtime.controlExecutor, limit: patience)
  }

  /// Runs checks, one after another. Empty if the transport conforms.
  ///
  /// - Parameter only: The ``names`` of the checks to run; all by default. For a transport that has
  ///   to be configured otherwise for one of them, such as with a short time-out of closes.
  public func check(only names: [String] = Self.names) async -> [ConformanceViolation] {
    var violations: [ConformanceViolation] = []
    for name in names where !Self.checks.contains(where: { $0.0 == name }) {
      violations.append(ConformanceViolation(check: name, message: "there is no such check"))
    }
    for (name, body) in Self.checks where names.contains(name) {
      let report = ConformanceReport()
      await peer.meetUpgrades(.accept)
      await body(self, report)
      violations += report.messages.map { ConformanceViolation(check: name, message: $0) }
    }
    return violations
  }

  /// The names of the checks, in the order in which they run.
  public static var names: [String] { checks.map(\.0) }

  typealias Check = @Sendable (TransportConformance, ConformanceReport) async -> Void

  private static let checks: [(String, Check)] =
    dialingChecks + framingChecks + closingChecks + pressureChecks
}

/// Numbers the dials, so that each has a token of its own.
final class ConformanceSerial: Sendable {
  private let last = Atomic(0)

  func next() -> Int { last.add(1, ordering: .relaxed).newValue }
}

/// What a check found.
final class ConformanceReport: Sendable {
  private let found = Mutex<[String]>([])

  var messages: [String] { found.withLock { $0 } }

  func add(_ message: String) { found.withLock { $0.append(message) } }

  func expect(_ condition: Bool, _ message: @autoclosure () -> String) {
    if !condition { add(message()) }
  }
}

/// A connection as a check holds it: the client's side, what its sink was told, and the peer's side.
struct ConformanceLine: Sendable {
  let connection: any LiveConnection
  let sink: ConformanceSink
  let remote: any ConformancePeerConnection
  let conformance: TransportConformance
  let report: ConformanceReport

  /// Calls the connection on its executor, as the engine does.
  func call(_ body: @escaping @Sendable (any LiveConnection) -> Void) async {
    await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
      conformance.executor.execute { [sink] in
        sink.isInCall.store(true, ordering: .releasing)
        body(connection)
        sink.isInCall.store(false, ordering: .releasing)
        continuation.resume()
      }
    }
  }

  /// Aborts; from before the call on, a sink that is called on the executor may hear nothing.
  func abort() async {
    await call { [sink] connection in
      sink.isAborted.store(true, ordering: .releasing)
      connection.abort()
    }
  }

  func send(_ bytes: [UInt8]) async { await call { $0.send(.text(bytes)) } }

  /// What the sink was told next, but for changes of writability.
  func next() async -> ConformanceSink.Event? {
    while let event = await sink.events.next(conformance.patience) {
      if case .signal(.writable) = event { continue }
      return event
    }
    return nil
  }

  func expectMessage(_ bytes: [UInt8], _ what: String) async {
    switch await next() {
    case .message(bytes)?: break
    case .message(let other)?:
      report.add("\(what): \(other.count) other bytes arrived, expected \(bytes.count)")
    case let other: report.add("\(what): \(String(describing: other)) instead of a message")
    }
  }

  @discardableResult
  func expectAtPeer(_ event: ConformancePeerEvent, _ what: String) async -> Bool {
    let seen = await remote.nextEvent()
    if seen != event { report.add("\(what): the peer saw \(Self.short(seen))") }
    return seen == event
  }

  /// What the sink was told next is a change of writability, to this.
  func expectWritable(_ isWritable: Bool, _ what: String) async {
    switch await sink.events.next(conformance.patience) {
    case .signal(.writable(isWritable))?: break
    case let other:
      report.add("\(what): \(Self.short(other)) instead of writable(\(isWritable))")
    }
  }

  /// The last word was no. Yes and no take turns from there, and behind the last yes there is nothing.
  func expectWritableInTheEnd(_ what: String) async {
    var last = false
    repeat {
      switch await sink.events.next(conformance.patience) {
      case .signal(.writable(!last))?: last.toggle()
      case let other:
        return report.add("\(what): \(Self.short(other)) instead of writable(\(!last))")
      }
    } while !last || sink.events.count > 0
  }

  func expectClosed(_ code: UInt16?, _ reason: String) async {
    switch await next() {
    case .signal(.closed(code, reason))?: break
    case let other:
      report.add(
        "expected closed(\(code ?? 0), \(reason)), the sink heard \(String(describing: other))")
    }
  }

  func expectFailed(_ code: TransportError.Code?) async {
    guard case .signal(.failed(let error))? = await next() else {
      return report.add("the sink did not hear that the connection failed")
    }
    conformance.checkForSecrets(error, report)
    if let code { report.expect(error.code == code, "it failed with \(error.code), not \(code)") }
  }

  /// Drops the connection, and looks whether the sink was called as it should be.
  func end() async {
    await abort()
    // What was under way for the sink has been called when later work of the executor runs.
    await call { _ in }
    for complaint in sink.complaints.withLock({ $0 }) { report.add("the sink got \(complaint)") }
  }

  static func short(_ event: ConformanceSink.Event?) -> String {
    if case .message(let bytes)? = event { return "a message of \(bytes.count) bytes" }
    return String(describing: event)
  }

  static func short(_ event: ConformancePeerEvent?) -> String {
    if case .message(let bytes)? = event, bytes.count > 40 {
      return "a message of \(bytes.count) bytes"
    }
    return String(describing: event)
  }
}

extension TransportConformance {
  static let marker = "conformance-secret-do-not-print"

  /// Dials on the peer's endpoint with a token of its own; fails the check if that does not work.
  func open(_ report: ConformanceReport, generation: UInt32 = 1) async -> ConformanceLine? {
    let sink = makeSink(generation)
    let token = "auth_tokens/\(Self.marker)-\(serial.next())"
    do {
      var request = request(generation, sink)
      request.credential = .ephemeralToken(Secret(token))
      let connection = try await transport.dial(request)
      guard let remote = await accepted(token) else {
        report.add("the peer saw no connection with the token")
        request.executor.execute { connection.abort() }
        return nil
      }
      return ConformanceLine(
        connection: connection, sink: sink, remote: remote, conformance: self, report: report)
    } catch {
      report.add("the dial failed: \(error)")
      return nil
    }
  }

  /// The peer's side of the connection with this token. Dials that were given up may have arrived
  /// before it.
  private func accepted(_ token: String) async -> (any ConformancePeerConnection)? {
    while let remote = await peer.nextConnection() {
      if remote.token == token { return remote }
    }
    return nil
  }

  /// Dials where it must fail; gives the error.
  func failingDial(
    _ report: ConformanceReport, _ endpoint: LiveEndpoint? = nil,
    _ change: (inout DialRequest) -> Void = { _ in }
  ) async -> TransportError? {
    var request = request(1, makeSink(1))
    if let endpoint { request.endpoint = endpoint }
    change(&request)
    do {
      let connection = try await transport.dial(request)
      report.add("the dial succeeded")
      request.executor.execute { connection.abort() }
      return nil
    } catch {
      checkForSecrets(error, report)
      return error
    }
  }

  func makeSink(_ generation: UInt32) -> ConformanceSink {
    let mustBeCurrent = peer.abilities.contains(.callsOnExecutor)
    return ConformanceSink(generation: generation, on: mustBeCurrent ? executor : nil)
  }

  func request(_ generation: UInt32, _ sink: ConformanceSink) -> DialRequest {
    var timeouts = DialTimeouts()
    timeouts.resolve = patience.limit
    timeouts.connect = patience.limit
    timeouts.tls = patience.limit
    timeouts.upgrade = patience.limit
    return DialRequest(
      endpoint: peer.endpoint, credential: .ephemeralToken(Secret("auth_tokens/\(Self.marker)")),
      generation: generation, executor: executor, sink: sink, timeouts: timeouts)
  }

  func checkForSecrets(_ error: TransportError, _ report: ConformanceReport) {
    var dumped = ""
    dump(error, to: &dumped)
    let text = dumped + "\(error) \(String(reflecting: error))"
    report.expect(!text.contains(Self.marker), "the credential is in an error")
  }
}
