// SPDX-License-Identifier: Apache-2.0

#if NIO
import LiveEmulator
import NIOCore
import NIOPosix
import NIOSSL
import NIOWebSocket
import Synchronization

@testable import LiveBroker

/// A WebSocket server on the loopback interface that does what the conformance suite says. Frames
/// of the client are read by NIO's own decoder, frames to it are written by hand.
final class ScriptedServer: ConformancePeer {
  let endpoint: LiveEndpoint
  let deadEndpoint: LiveEndpoint?
  let abilities: ConformanceAbilities
  /// The heads of all requests, in order.
  let heads = Transcript<String>()
  let patience: Patience
  fileprivate let accepted = Transcript<ScriptedConnection>()
  private let answer = Mutex(ConformanceUpgrade.accept)
  private let reply = Mutex<[UInt8]?>(nil)
  private let listener: any Channel
  private let dead = PlainPort(listens: false)

  /// Starts to listen on a free port.
  init(
    _ group: any EventLoopGroup, tls: Bool = false, newestTLS: TLSVersion? = nil,
    abilities: ConformanceAbilities = .all
  ) async throws {
    let context = tls ? try Self.tlsContext(newestTLS) : nil
    let owner = Owner()
    listener = try await ServerBootstrap(group: group)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          if let context {
            try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: context))
          }
          guard let server = owner.server else { return }
          try channel.pipeline.syncOperations.addHandler(ScriptedUpgrade(server))
        }
      }
      .bind(host: "127.0.0.1", port: 0).get()
    endpoint = LiveEndpoint(
      host: "127.0.0.1", port: listener.localAddress?.port ?? 0, usesTLS: tls)
    deadEndpoint = LiveEndpoint(host: "127.0.0.1", port: dead.number, usesTLS: tls)
    self.abilities = abilities
    patience = Patience(
      clock: SystemClock(), executor: EventLoopExecutor(group.next()), limit: .unhurried)
    owner.set(self)
  }

  /// Breaks the circle of a listener that must know its server before the server is made.
  private final class Owner: Sendable {
    private let reference = Mutex<Weak>(Weak())
    struct Weak { weak var server: ScriptedServer? }
    var server: ScriptedServer? { reference.withLock { $0.server } }
    func set(_ server: ScriptedServer) { reference.withLock { $0.server = server } }
  }

  static func tlsContext(_ newest: TLSVersion?) throws -> NIOSSLContext {
    let certificates = try NIOSSLCertificate.fromPEMBytes(Array(TestCertificate.certificate.utf8))
    let key = try NIOSSLPrivateKey(bytes: Array(TestCertificate.key.utf8), format: .pem)
    var configuration = TLSConfiguration.makeServerConfiguration(
      certificateChain: certificates.map { .certificate($0) }, privateKey: .privateKey(key))
    configuration.minimumTLSVersion = .tlsv1
    configuration.maximumTLSVersion = newest
    return try NIOSSLContext(configuration: configuration)
  }

  func close() async {
    try? await listener.close()
    dead.close()
  }

  func meetUpgrades(_ answer: ConformanceUpgrade) async { self.answer.withLock { $0 = answer } }

  /// Answers every request with these bytes instead of anything else; `%ACCEPT%` stands for the
  /// right `Sec-WebSocket-Accept`.
  func replyRaw(_ text: String?) { reply.withLock { $0 = text.map { Array($0.utf8) } } }

  func nextConnection() async -> (any ConformancePeerConnection)? { await next() }

  func next() async -> ScriptedConnection? { await accepted.next(patience) }

  func nextHead() async -> String? { await heads.next(patience) }

  fileprivate var current: (ConformanceUpgrade, raw: String?) {
    (answer.withLock { $0 }, reply.withLock { $0.map { String(decoding: $0, as: UTF8.self) } })
  }
}

extension ConformanceAbilities {
  static let all: ConformanceAbilities = [
    .fragments, .pings, .closesWithoutCode, .rawBytes, .boundsCloses, .callsOnExecutor,
    .stopsReading,
  ]
}

/// Reads the request and answers it.
private final class ScriptedUpgrade: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer
  private let server: ScriptedServer
  private var text = ""

  init(_ server: ScriptedServer) { self.server = server }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    text += String(buffer: unwrapInboundIn(data))
    guard text.hasSuffix("\r\n\r\n") else { return }
    server.heads.append(text)
    let key = text.split(separator: "\r\n").first { $0.hasPrefix("Sec-WebSocket-Key: ") }
    let accept = UpgradeKey.accept(for: String(key?.dropFirst(19) ?? ""))
    let (answer, raw) = server.current
    if let raw {
      write(raw.replacing("%ACCEPT%", with: accept), context)
      if raw.hasPrefix("HTTP/1.1 101") { upgrade(context) }
      return
    }
    switch answer {
    case .ignore: break
    case .refuse(let status, let retryAfter):
      let wait = retryAfter.map { "Retry-After: \($0.components.seconds)\r\n" } ?? ""
      write("HTTP/1.1 \(status) Refused\r\n\(wait)Content-Length: 0\r\n\r\n", context)
    case .accept, .acceptAndClose:
      var bytes = ByteBuffer(
        string: "HTTP/1.1 101 Switching Protocols\r\nupgrade: WebSocket\r\n"
          + "Connection: keep-alive, Upgrade\r\nSec-WebSocket-Accept: \(accept)\r\n\r\n")
      // In one write, so that the close comes in the same read as the answer.
      if case .acceptAndClose(let code, let reason) = answer {
        bytes.writeBytes(ServerFrame.close(code, reason))
      }
      context.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
      upgrade(context)
    }
  }

  private static func token(of head: String) -> String {
    let query = head.prefix { $0 != "\r\n" }.split(separator: "?access_token=").dropFirst().first
    let token = query?.prefix { $0 != " " } ?? ""
    return String(token).replacing("%2F", with: "/")
  }

  private func write(_ text: String, _ context: ChannelHandlerContext) {
    context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
  }

  private func upgrade(_ context: ChannelHandlerContext) {
    let connection = ScriptedConnection(
      context.channel, server.patience, token: Self.token(of: text))
    let pipeline = context.pipeline.syncOperations
    do {
      try pipeline.addHandler(ByteToMessageHandler(WebSocketFrameDecoder(maxFrameSize: 1 << 26)))
      try pipeline.addHandler(ScriptedFrames(connection))
      pipeline.removeHandler(context: context, promise: nil)
      server.accepted.append(connection)
    } catch {
      context.close(promise: nil)
    }
  }
}

/// Reports what the client sends, and answers pings and closes.
private final class ScriptedFrames: ChannelInboundHandler {
  typealias InboundIn = WebSocketFrame
  typealias OutboundOut = ByteBuffer
  private let connection: ScriptedConnection

  init(_ connection: ScriptedConnection) { self.connection = connection }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let frame = unwrapInboundIn(data)
    guard frame.maskKey != nil else {
      connection.events.append(.close(code: 1002, reason: "an unmasked frame"))
      return context.close(promise: nil)
    }
    var payload = frame.unmaskedData
    switch frame.opcode {
    case .ping:
      connection.events.append(.ping(Array(buffer: payload)))
      reply(ServerFrame.bytes(0x8A, Array(buffer: payload)), context)
    case .pong: connection.events.append(.pong(Array(buffer: payload)))
    case .connectionClose:
      let code = payload.readInteger(as: UInt16.self)
      connection.events.append(.close(code: code, reason: String(buffer: payload)))
      guard connection.answersCloses else { return }
      reply(ServerFrame.close(code ?? 1000, ""), context)
      context.close(promise: nil)
    default: connection.events.append(.message(Array(buffer: payload)))
    }
  }

  private func reply(_ bytes: [UInt8], _ context: ChannelHandlerContext) {
    context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: nil)
  }

  func channelInactive(context: ChannelHandlerContext) { connection.events.append(.ended) }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    context.close(promise: nil)
  }
}

/// One accepted connection of a scripted server.
final class ScriptedConnection: ConformancePeerConnection {
  let events = Transcript<ConformancePeerEvent>()
  private let channel: any Channel
  private let patience: Patience
  private let answers = Atomic(true)
  let token: String

  init(_ channel: any Channel, _ patience: Patience, token: String) {
    self.channel = channel
    self.token = token
    self.patience = patience
  }

  var answersCloses: Bool { answers.load(ordering: .acquiring) }

  func nextEvent() async -> ConformancePeerEvent? { await events.next(patience) }

  func perform(_ action: ConformancePeerAction) async {
    switch action {
    case .send(let bytes, let asText, let frames):
      await write(ServerFrame.message(bytes, asText: asText, frames: frames))
    case .ping(let bytes): await write(ServerFrame.bytes(0x89, bytes))
    case .close(let code?, let reason): await write(ServerFrame.close(code, reason))
    case .close(nil, _): await write(ServerFrame.bytes(0x88, []))
    case .drop: try? await channel.close()
    case .answerCloses(let answers): self.answers.store(answers, ordering: .releasing)
    case .sendRaw(let bytes): await write(bytes)
    case .read(let reads): try? await setReading(reads)
    }
  }

  /// Says farewell as WebSocket and as TLS has it, in one breath.
  func sayFarewells(_ code: UInt16) async throws {
    try await channel.eventLoop.submit { [channel] in
      channel.writeAndFlush(ByteBuffer(bytes: ServerFrame.close(code, "")), promise: nil)
      channel.close(promise: nil)
    }.get()
  }

  /// Stops or resumes reading, so that the client cannot write any more.
  func setReading(_ enabled: Bool) async throws {
    try await channel.setOption(.autoRead, value: enabled).get()
  }

  /// Ends the connection by a reset, also under TLS. What was written before has gone out.
  func reset() async {
    try? await channel.eventLoop.submit { [channel] in RudePeer.reset(channel) }.get()
  }

  /// Bytes that the client has not taken and the kernel does not hold.
  func bytesWaiting() async throws -> Int {
    try await channel.getOption(.bufferedWritableBytes).get()
  }

  /// Returns when the bytes stand behind what was written before. A loop reads before it does what
  /// it was asked for: without waiting, the answer to a later frame of the client might overtake.
  private func write(_ bytes: [UInt8]) async {
    try? await channel.eventLoop.submit { [channel] in
      channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil)
    }.get()
  }
}

/// Frames as a server writes them.
enum ServerFrame {
  static func bytes(_ first: UInt8, _ payload: [UInt8]) -> [UInt8] {
    switch payload.count {
    case ...125: [first, UInt8(payload.count)] + payload
    case ...0xFFFF: [first, 126, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF)] + payload
    default:
      [first, 127]
        + (0..<8).map { UInt8(truncatingIfNeeded: payload.count >> (56 - 8 * $0)) } + payload
    }
  }

  static func close(_ code: UInt16, _ reason: String) -> [UInt8] {
    bytes(0x88, [UInt8(code >> 8), UInt8(code & 0xFF)] + Array(reason.utf8))
  }

  /// A message in so many frames, with a ping inside if there are more than two.
  static func message(_ payload: [UInt8], asText: Bool, frames: Int) -> [UInt8] {
    var result: [UInt8] = []
    for index in 0..<max(1, frames) {
      let start = payload.count * index / max(1, frames)
      let end = payload.count * (index + 1) / max(1, frames)
      let opcode: UInt8 = index > 0 ? 0 : asText ? 1 : 2
      let isLast = index + 1 >= frames
      result += bytes(isLast ? 0x80 | opcode : opcode, Array(payload[start..<end]))
      if !isLast, index == 1 { result += bytes(0x89, []) }
    }
    return result
  }
}
#endif
