// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
import Glibc
import LiveEmulator
import Synchronization

@testable import LiveBroker

/// The far end of the plain transport: a WebSocket server on this host's loopback interface that
/// does what the suite says, on a thread of its own.
final class PlainPeer: ConformancePeer {
  let endpoint: LiveEndpoint
  let deadEndpoint: LiveEndpoint?
  let abilities: ConformanceAbilities = [
    .fragments, .pings, .closesWithoutCode, .rawBytes, .boundsCloses, .callsOnExecutor,
    .stopsReading,
  ]
  let patience: Patience
  fileprivate let executor = ThreadExecutor(name: "plain-peer")
  fileprivate let accepted = Transcript<PlainPeerConnection>()
  fileprivate let answer = Mutex(ConformanceUpgrade.accept)
  private let readiness: Readiness
  private let listener = PlainPort(listens: true)
  private let dead = PlainPort(listens: false)

  init(_ readiness: Readiness, patience: Duration) {
    self.readiness = readiness
    endpoint = LiveEndpoint(host: "127.0.0.1", port: listener.number, usesTLS: false)
    deadEndpoint = LiveEndpoint(host: "127.0.0.1", port: dead.number, usesTLS: false)
    self.patience = Patience(clock: SystemClock(), executor: executor, limit: patience)
    executor.start()
    executor.execute { self.acceptAll() }
  }

  func meetUpgrades(_ answer: ConformanceUpgrade) async { self.answer.withLock { $0 = answer } }

  func nextConnection() async -> (any ConformancePeerConnection)? { await accepted.next(patience) }

  func close() {
    executor.execute { [self] in
      listener.close()
      dead.close()
    }
    executor.stop()
  }

  private func acceptAll() {
    while case let descriptor = accept(listener.descriptor, nil, nil), descriptor >= 0 {
      PlainPeerConnection(PlainSocket(descriptor, executor, readiness), self).start()
    }
    _ = readiness.when(listener.descriptor, POLLIN) { [self] in
      executor.execute { [self] in acceptAll() }
    }
  }
}

/// One connection that the plain peer has accepted.
private final class PlainPeerConnection: ConformancePeerConnection, @unchecked Sendable {
  // Unchecked: everything variable is touched only on the peer's executor; the token is set before
  // the suite gets hold of the connection.
  private(set) var token = ""
  private let events = Transcript<ConformancePeerEvent>()
  private let socket: PlainSocket
  private let peer: PlainPeer
  private var head: [UInt8] = []
  private var frames = PlainFrames(areMasked: true)
  private var isOpen = false
  private var answersCloses = true

  init(_ socket: PlainSocket, _ peer: PlainPeer) {
    self.socket = socket
    self.peer = peer
  }

  /// The socket keeps its connection, until it ends.
  func start() {
    socket.received = { self.received($0) }
    socket.setReading(true)
  }

  func nextEvent() async -> ConformancePeerEvent? { await events.next(peer.patience) }

  func perform(_ action: ConformancePeerAction) async {
    await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
      peer.executor.execute { [self] in
        act(action)
        continuation.resume()
      }
    }
  }

  private func act(_ action: ConformancePeerAction) {
    switch action {
    case .send(let bytes, let asText, let frames):
      for index in 0..<frames {
        let piece = bytes[bytes.count * index / frames..<bytes.count * (index + 1) / frames]
        let opcode: UInt8 = index > 0 ? 0 : asText ? 1 : 2
        socket.write(PlainFrames.bytes(index + 1 == frames ? 0x80 | opcode : opcode, Array(piece)))
        // Control frames may come between the pieces.
        if index == 1, frames > 2 { socket.write(PlainFrames.bytes(0x89, [])) }
      }
    case .ping(let bytes): socket.write(PlainFrames.bytes(0x89, bytes))
    case .close(let code, let reason): socket.write(PlainFrames.close(code, reason))
    case .drop: end()
    case .answerCloses(let answers): answersCloses = answers
    case .sendRaw(let bytes): socket.write(bytes)
    case .read(let reads): socket.setReading(reads)
    }
  }

  private func received(_ bytes: [UInt8]) {
    guard !bytes.isEmpty else { return end() }
    guard isOpen else { return upgrade(bytes) }
    frames.input += bytes
    do {
      while let event = try frames.next() { take(event) }
    } catch {
      end()
    }
  }

  private func upgrade(_ bytes: [UInt8]) {
    head += bytes
    guard head.suffix(4) == Array("\r\n\r\n".utf8)[...] else { return }
    let line = String(decoding: head, as: UTF8.self).prefix { $0 != "\r\n" }
    token =
      line.firstRange(of: "access_token=").map { range in
        String(line[range.upperBound...].prefix { $0 != " " })
      } ?? ""
    switch peer.answer.withLock({ $0 }) {
    case .ignore: break
    case .refuse(let status, let wait):
      let wait = wait.map { "Retry-After: \($0.components.seconds)\r\n" } ?? ""
      socket.write(Array("HTTP/1.1 \(status) No\r\n\(wait)Content-Length: 0\r\n\r\n".utf8))
    case .accept: accept(behind: [])
    case .acceptAndClose(let code, let reason): accept(behind: PlainFrames.close(code, reason))
    }
  }

  private func accept(behind: [UInt8]) {
    isOpen = true
    let head =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
    socket.write(Array(head.utf8) + behind)
    peer.accepted.append(self)
  }

  private func take(_ event: PlainFrames.Event) {
    switch event {
    case .message(let bytes): events.append(.message(bytes))
    case .ping(let bytes):
      events.append(.ping(bytes))
      socket.write(PlainFrames.bytes(0x8A, bytes))
    case .pong(let bytes): events.append(.pong(bytes))
    case .close(let code, let reason):
      events.append(.close(code: code, reason: reason))
      guard answersCloses else { return }
      socket.write(PlainFrames.close(code, reason))
      end()
    }
  }

  private func end() {
    events.append(.ended)
    socket.close()
  }
}
#endif
