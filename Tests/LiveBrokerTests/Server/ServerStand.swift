// SPDX-License-Identifier: Apache-2.0

#if NIO
import LiveBroker
import NIOCore
import NIOEmbedded
import Testing

@testable import LiveEmulator

/// The server's core on a loop whose time is moved by hand, with connections made of memory.
final class ServerStand {
  let loop = EmbeddedEventLoop()
  let gauge = ServerGauge()
  let core: ServerCore
  private let events = EventBox()

  init(_ configure: (inout EmulatorServerConfiguration) -> Void = { _ in }) {
    var configuration = EmulatorServerConfiguration()
    configuration.service.model.answerLength = .milliseconds(200)
    configuration.observer = { [events] event in events.add(event) }
    configure(&configuration)
    core = ServerCore(loop: loop, configuration: configuration, gauge: gauge)
  }

  /// What the server told its observer.
  var seen: [ServerEvent] { events.all }

  func connect() throws -> EmbeddedPeer { try EmbeddedPeer(self) }

  /// A connection that speaks WebSocket.
  func socket(
    _ target: String = EmbeddedPeer.openPath + "?key=k", headers: String = ""
  ) throws -> EmbeddedPeer {
    let peer = try connect()
    let answer = try peer.upgrade(target, headers: headers)
    try #require(answer.hasPrefix("HTTP/1.1 101 "), "\(answer)")
    return peer
  }

  /// A session that is set up and has its first handle.
  func session(_ target: String = EmbeddedPeer.openPath + "?key=k") throws -> EmbeddedPeer {
    let peer = try socket(target)
    try peer.say(#"{"setup":{"model":"models/m","sessionResumption":{}}}"#)
    pass(.milliseconds(150))
    return peer
  }

  func pass(_ duration: Duration) { loop.advanceTime(by: .nanoseconds(duration.nanoseconds)) }

  /// Ends everything as the server does, and checks that nothing is left.
  func end() {
    core.refuseNew()
    core.cutEverything()
    core.stop()
    #expect(gauge.now.connectionsOpen == 0)
    #expect(gauge.now.socketsOpen == 0)
    #expect(gauge.now.timersPending == 0)
  }
}

/// Collects events; the stand is used from one thread alone.
private final class EventBox: @unchecked Sendable {
  private(set) var all: [ServerEvent] = []
  func add(_ event: ServerEvent) { all.append(event) }
}

/// The client's end of a connection in memory: raw bytes, and frames made and read apart from the
/// server's own code.
final class EmbeddedPeer {
  static let openPath =
    "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"
  static let constrainedPath = openPath + "Constrained"

  let channel: EmbeddedChannel
  private let recorder = WriteRecorder()

  init(_ stand: ServerStand) throws {
    channel = EmbeddedChannel(loop: stand.loop)
    try channel.pipeline.syncOperations.addHandler(recorder)
    try ServerPipeline.fill(channel, stand.core, nil)
    try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
  }

  var isOpen: Bool { channel.isActive }

  func write(_ bytes: [UInt8]) throws {
    try channel.writeInbound(ByteBuffer(bytes: bytes))
  }

  /// Everything that came since the last look.
  func take() -> [UInt8] {
    channel.embeddedEventLoop.run()
    defer { recorder.bytes = [] }
    return recorder.bytes
  }

  // MARK: HTTP

  @discardableResult
  func request(_ head: String, body: String = "") throws -> String {
    try write(RawHTTP.request(head, body: body))
    return String(decoding: take(), as: UTF8.self)
  }

  /// Asks for a WebSocket and gives the answer's head; frames behind it are kept for `frames()`.
  func upgrade(_ target: String, headers: String = "") throws -> String {
    try write(RawHTTP.upgrade(target, headers: headers))
    let (head, rest) = RawHTTP.split(take())
    // What belongs to a refusal is no frame.
    let isUpgraded = head.hasPrefix("HTTP/1.1 101 ")
    if isUpgraded { recorder.bytes = rest }
    return isUpgraded ? head : head + String(decoding: rest, as: UTF8.self)
  }

  // MARK: WebSocket

  func say(_ json: String) throws { try send(1, Array(json.utf8)) }

  func send(_ opcode: UInt8, _ payload: [UInt8], isLast: Bool = true) throws {
    try write(RawFrame(opcode: opcode, isLast: isLast, payload: payload).masked)
  }

  func sendClose(_ code: UInt16) throws {
    try send(8, [UInt8(code >> 8), UInt8(code & 255)])
  }

  /// The frames that came since the last look.
  func frames() throws -> [RawFrame] { try RawFrame.parse(take()).frames }
}

/// Keeps what is written to a connection.
private final class WriteRecorder: ChannelOutboundHandler {
  typealias OutboundIn = IOData
  var bytes: [UInt8] = []

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    if case .byteBuffer(let buffer) = unwrapOutboundIn(data) {
      bytes.append(contentsOf: buffer.readableBytesView)
    }
    promise?.succeed()
  }
}
#endif
