// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
import Glibc

@testable import LiveBroker

/// A transport over POSIX sockets on the executor of each dial: no package, no event loop. It shows
/// that the contract can be kept without either, and is as small as that allows: it knows only this
/// host, no TLS, and takes any 101 for the right one.
final class PlainTransport: LiveTransport {
  private let readiness: Readiness
  private let closeTimeout: Duration
  private let messageLimit: Int

  init(_ readiness: Readiness, closeTimeout: Duration, messageLimit: Int = 1 << 24) {
    self.readiness = readiness
    self.closeTimeout = closeTimeout
    self.messageLimit = messageLimit
  }

  func dial(_ request: DialRequest) async throws(TransportError) -> any LiveConnection {
    let connection = PlainConnection(
      request, readiness, closeTimeout: closeTimeout, messageLimit: messageLimit)
    let outcome = await withTaskCancellationHandler {
      await withUnsafeContinuation { continuation in
        request.executor.execute { connection.start(continuation) }
      }
    } onCancel: {
      request.executor.execute { connection.cancel() }
    }
    try outcome.get()
    // What arrives is told from here on; before, nobody holds the connection.
    request.executor.execute { connection.release() }
    return connection
  }
}

private final class PlainConnection: LiveConnection, @unchecked Sendable {
  // Unchecked: everything below is touched only on the executor of the dial.
  typealias Outcome = Result<Void, TransportError>

  private enum Phase {
    case idle, connecting, upgrading, held, open, closing, finished
  }

  private let request: DialRequest
  private let readiness: Readiness
  private let closeTimeout: Duration
  private var socket: PlainSocket?
  private var phase = Phase.idle
  private var continuation: UnsafeContinuation<Outcome, Never>?
  private var head: [UInt8] = []
  private var frames: PlainFrames
  private var wantsReading = true
  private var isWritable = true
  private var hasEnded = false
  /// Number of the deadline that counts.
  private var deadline = 0

  init(
    _ request: DialRequest, _ readiness: Readiness, closeTimeout: Duration, messageLimit: Int
  ) {
    frames = PlainFrames(areMasked: false, limit: messageLimit)
    self.request = request
    self.readiness = readiness
    self.closeTimeout = closeTimeout
  }

  // MARK: The dial

  func start(_ continuation: UnsafeContinuation<Outcome, Never>) {
    self.continuation = continuation
    guard phase == .idle else { return cancel() }
    let socket = PlainSocket(
      Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0), request.executor, readiness)
    self.socket = socket
    socket.received = { [weak self] in self?.received($0) }
    socket.drained = { [weak self] in self?.checkWritable() }
    enter(.connecting, within: request.timeouts.connect)
    socket.connect(to: request.endpoint.port) { [self] error in
      guard phase == .connecting else { return }
      guard error == 0 else { return fail(.connectFailed, "error \(error)") }
      enter(.upgrading, within: request.timeouts.upgrade)
      socket.write(upgradeRequest())
      socket.setReading(true)
    }
  }

  func cancel() { fail(.cancelled, "the dial was cancelled") }

  private func upgradeRequest() -> [UInt8] {
    let placement = request.credential.placement
    let query = placement.query.map { "\($0.name)=\($0.value.reveal())" }.joined(separator: "&")
    var lines = [
      "GET \(request.endpoint.socketPath(for: request.credential))?\(query) HTTP/1.1",
      "Host: \(request.endpoint.host)", "Upgrade: websocket", "Connection: Upgrade",
      "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
    ]
    lines += placement.headers.map { "\($0.name): \($0.value.reveal())" }
    return Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8)
  }

  private func upgrade(_ bytes: [UInt8]) {
    head += bytes
    guard !bytes.isEmpty else { return fail(.connectionLost, "the peer ended before the upgrade") }
    guard let end = head.firstRange(of: Array("\r\n\r\n".utf8)) else { return }
    let lines = String(decoding: head[..<end.lowerBound], as: UTF8.self).split(separator: "\r\n")
    let status = lines.first.flatMap { Int($0.split(separator: " ").dropFirst().first ?? "") } ?? 0
    guard status == 101 else {
      let wait = lines.first { $0.hasPrefix("Retry-After: ") }.flatMap { Int($0.dropFirst(13)) }
      return fail(
        TransportError(
          .upgradeRefused, message: "HTTP \(status)", httpStatus: status,
          retryAfter: wait.map { .seconds($0) }))
    }
    frames.input = Array(head[end.upperBound...])
    phase = .held
    deadline += 1
    socket?.setReading(false)
    continuation.take()?.resume(returning: .success(()))
  }

  func release() {
    guard phase == .held else { return }
    phase = .open
    deliver()
  }

  // MARK: What the engine asks

  func send(_ frame: OutboundFrame) {
    guard phase == .held || phase == .open else { return }
    switch frame {
    case .text(let bytes): socket?.write(PlainFrames.bytes(0x81, bytes, masked: true))
    case .ping(let bytes): socket?.write(PlainFrames.bytes(0x89, bytes, masked: true))
    }
    checkWritable()
  }

  func close(code: UInt16, reason: String) {
    guard phase == .held || phase == .open else { return }
    socket?.write(PlainFrames.close(code, reason, masked: true))
    enter(.closing, within: closeTimeout)
    request.executor.execute { self.deliver() }
  }

  func abort() {
    phase = .finished
    end()
  }

  func setReading(_ enabled: Bool) {
    wantsReading = enabled
    request.executor.execute { self.deliver() }
  }

  // MARK: What arrives

  private var reads: Bool { phase == .closing || (phase == .open && wantsReading) }

  private func received(_ bytes: [UInt8]) {
    if phase == .upgrading { return upgrade(bytes) }
    frames.input += bytes
    hasEnded = hasEnded || bytes.isEmpty
    deliver()
  }

  private func deliver() {
    do throws(PlainFrames.Violation) {
      while reads, let event = try frames.next() { take(event) }
    } catch {
      if phase == .open { socket?.write(PlainFrames.close(error.code, "", masked: true)) }
      return fail(.protocolViolation, error.message)
    }
    if reads, hasEnded { return fail(.connectionLost, "the peer ended") }
    if phase != .finished { socket?.setReading(reads) }
  }

  private func take(_ event: PlainFrames.Event) {
    switch event {
    case .message(let bytes):
      bytes.withUnsafeBytes { request.sink.connection(request.generation, received: $0) }
    case .ping(let bytes): socket?.write(PlainFrames.bytes(0x8A, bytes, masked: true))
    case .pong(let bytes):
      request.sink.connection(request.generation, signalled: .pong(bytes))
    case .close(let code, let reason):
      if phase == .open { socket?.write(PlainFrames.close(code, "", masked: true)) }
      finish(.closed(code: code, reason: reason))
    }
  }

  /// Told later, since a call of the engine may be what filled the buffer.
  private func checkWritable() {
    let unsent = socket?.unsent ?? 0
    guard phase == .open, isWritable ? unsent > 65_536 : unsent < 16_384 else { return }
    isWritable.toggle()
    request.executor.execute { [self, isWritable] in
      guard phase == .open else { return }
      request.sink.connection(request.generation, signalled: .writable(isWritable))
    }
  }

  // MARK: Deadlines and the end

  private func enter(_ phase: Phase, within time: Duration) {
    self.phase = phase
    deadline += 1
    request.executor.schedule(at: SystemClock().now.advanced(by: time)) { [self, deadline] in
      if deadline == self.deadline { fail(.timedOut, "\(phase) took too long") }
    }
  }

  private func fail(_ code: TransportError.Code, _ message: String) {
    fail(TransportError(code, message: message))
  }

  private func fail(_ error: TransportError) {
    if let continuation = continuation.take() {
      continuation.resume(returning: .failure(error))
      abort()
    } else if phase == .idle {
      phase = .finished
    } else if phase == .held {
      abort()
    } else {
      finish(.failed(error))
    }
  }

  private func finish(_ signal: ConnectionSignal) {
    guard phase != .finished else { return }
    phase = .finished
    request.sink.connection(request.generation, signalled: signal)
    end()
  }

  private func end() {
    deadline += 1
    socket.take()?.close()
  }
}
#endif
