// SPDX-License-Identifier: Apache-2.0

#if NIO
import LiveBroker
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// The floor of a reconnect: one NIO handler that speaks just enough HTTP and WebSocket to follow a
/// goAway as the broker does, and nothing else. No checks, no deadlines, no back-off, no accounts.
///
///     goAway ─▶ TCP, upgrade ─▶ close the old one, its answer ─▶ setup with the handle ─▶ setupComplete
///
/// Confined to its event loop.
final class BareSession {
  private let kit: BareKit
  private let loop: any EventLoop
  private let opened: () -> Void
  private var handle: ByteBuffer?
  private var live: BareConnection?
  private var next: BareConnection?

  /// `opened` is called at the first handle.
  init(_ kit: BareKit, on loop: any EventLoop, opened: @escaping () -> Void) {
    self.kit = kit
    self.loop = loop
    self.opened = opened
  }

  func dial() {
    let connection = BareConnection(self, kit.request)
    let tls = kit.tls
    next = connection
    let bound = NIOLoopBound((self, connection), eventLoop: loop)
    ClientBootstrap(group: loop).channelInitializer { channel in
      channel.eventLoop.makeCompletedFuture {
        let pipeline = channel.pipeline.syncOperations
        if let tls {
          try pipeline.addHandler(NIOSSLClientHandler(context: tls, serverHostname: "localhost"))
        }
        try pipeline.addHandler(bound.value.1)
      }
    }.connect(to: kit.address).whenFailure { bound.value.0.kit.failures.note("\($0)") }
  }

  func stop() {
    live?.drop()
    next?.drop()
  }

  fileprivate func upgraded() {
    if let live { live.sendClose() } else { begin() }
  }

  /// By our close's answer, or because the service would not wait for us.
  fileprivate func closed(_ connection: BareConnection) {
    guard connection === live else { return kit.failures.note("a standby was closed") }
    live = nil
    if next == nil { dial() } else { begin() }
  }

  private func begin() {
    guard let next, next.isUpgraded else { return }
    var setup = kit.setupStart
    if var handle { setup.writeBuffer(&handle) }
    var end = kit.setupEnd
    setup.writeBuffer(&end)
    next.send(0x1, setup)
    live = next
    self.next = nil
  }

  fileprivate func received(_ message: ByteBuffer) {
    // The server writes compact JSON, so the eleventh byte or an earlier one tells the kind.
    switch message.getInteger(at: message.readerIndex + 2, as: UInt8.self) {
    case UInt8(ascii: "g"): dial()
    case UInt8(ascii: "s"): takeHandle(message)
    default: break
    }
  }

  /// `{"sessionResumptionUpdate":{"newHandle":"…"`, and not `{"setupComplete":…` or content.
  private func takeHandle(_ message: ByteBuffer) {
    let start = message.readerIndex + 41
    guard message.getInteger(at: start - 1, as: UInt8.self) == UInt8(ascii: "\""),
      message.getInteger(at: start - 13, as: UInt8.self) == UInt8(ascii: "\""),
      let length = message.readableBytesView.dropFirst(41).firstIndex(of: UInt8(ascii: "\""))
    else { return }
    let isFirst = handle == nil
    handle = message.getSlice(at: start, length: length - start)
    if isFirst { opened() }
  }
}

/// What all bare sessions share, written once.
struct BareKit: Sendable {
  let address: SocketAddress
  let tls: NIOSSLContext?
  let request: ByteBuffer
  let setupStart: ByteBuffer
  let setupEnd: ByteBuffer
  let failures = BareFailures()

  /// - Parameter model: Named in the setup, which has the bytes that a broker's has.
  init(_ server: ServerProcess, apiKey: Secret, model: String) throws {
    let endpoint = server.endpoint
    address = try SocketAddress(ipAddress: "127.0.0.1", port: endpoint.port)
    if let certificate = server.certificate {
      var configuration = TLSConfiguration.makeClientConfiguration()
      configuration.trustRoots = .file(certificate)
      tls = try NIOSSLContext(configuration: configuration)
    } else {
      tls = nil
    }
    let path = endpoint.socketPath(for: .apiKey(apiKey))
    request = ByteBuffer(
      string: """
        GET \(path) HTTP/1.1\r
        Host: \(endpoint.host):\(endpoint.port)\r
        Upgrade: websocket\r
        Connection: Upgrade\r
        Sec-WebSocket-Version: 13\r
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r
        x-goog-api-key: \(apiKey.reveal())\r
        \r

        """)
    var setup = Setup(model: model)
    setup.sessionResumption = SessionResumptionConfig(handle: Secret("@"))
    let json = ClientMessage.setup(setup).encoded()
    let place = json.firstIndex(of: UInt8(ascii: "@")) ?? json.endIndex
    setupStart = ByteBuffer(bytes: json[..<place])
    setupEnd = ByteBuffer(bytes: json[(place + 1)...])
  }
}

/// Dials and moves that went wrong, by kind.
final class BareFailures: Sendable {
  private let failures = Mutex<[String: Int]>([:])
  var all: [String: Int] { failures.withLock { $0 } }
  func note(_ what: String) { failures.withLock { $0[what, default: 0] += 1 } }
}

/// One socket of a bare session.
final class BareConnection: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private var session: BareSession?
  private let request: ByteBuffer
  private var context: ChannelHandlerContext?
  private var rest: ByteBuffer?
  fileprivate var isUpgraded = false

  init(_ session: BareSession, _ request: ByteBuffer) {
    self.session = session
    self.request = request
  }

  func handlerAdded(context: ChannelHandlerContext) { self.context = context }

  func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

  func channelActive(context: ChannelHandlerContext) {
    context.writeAndFlush(wrapOutboundOut(request), promise: nil)
  }

  func channelInactive(context: ChannelHandlerContext) { session = nil }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    context.close(promise: nil)
  }

  func drop() {
    session = nil
    context?.close(promise: nil)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    var bytes = unwrapInboundIn(data)
    if var earlier = rest {
      earlier.writeBuffer(&bytes)
      bytes = earlier
      rest = nil
    }
    if !isUpgraded, !takeHead(&bytes) {
      rest = bytes
      return
    }
    while let frame = Self.frame(&bytes) {
      if frame.opcode == 0x8 {
        session?.closed(self)
        return drop()
      }
      session?.received(frame.payload)
    }
    if bytes.readableBytes > 0 { rest = bytes }
  }

  private func takeHead(_ bytes: inout ByteBuffer) -> Bool {
    let count = bytes.withUnsafeReadableBytes { bytes in
      var index = 3
      while index < bytes.count {
        if bytes[index] == 0x0A, bytes[index - 1] == 0x0D, bytes[index - 2] == 0x0A {
          return index + 1
        }
        index += 1
      }
      return 0
    }
    guard count > 0 else { return false }
    bytes.moveReaderIndex(forwardBy: count)
    isUpgraded = true
    session?.upgraded()
    return true
  }

  private static func frame(_ bytes: inout ByteBuffer) -> (opcode: UInt8, payload: ByteBuffer)? {
    let start = bytes.readerIndex
    guard let opcode = bytes.getInteger(at: start, as: UInt8.self),
      let short = bytes.getInteger(at: start + 1, as: UInt8.self)
    else { return nil }
    var (length, header) = (Int(short & 0x7F), 2)
    if length == 126 {
      guard let long = bytes.getInteger(at: start + 2, as: UInt16.self) else { return nil }
      (length, header) = (Int(long), 4)
    }
    guard let payload = bytes.getSlice(at: start + header, length: length) else { return nil }
    bytes.moveReaderIndex(forwardBy: header + length)
    return (opcode & 0xF, payload)
  }

  func sendClose() {
    send(0x8, ByteBuffer(bytes: [0x03, 0xE8]))
  }

  func send(_ opcode: UInt8, _ payload: ByteBuffer) {
    guard let context else { return }
    let length = payload.readableBytes
    var frame = context.channel.allocator.buffer(capacity: length + 8)
    frame.writeInteger(0x80 | opcode)
    if length < 126 {
      frame.writeInteger(0x80 | UInt8(length))
    } else {
      frame.writeInteger(UInt8(0x80 | 126))
      frame.writeInteger(UInt16(length))
    }
    let mask = UInt32.random(in: .min ... .max)
    frame.writeInteger(mask)
    let (a, b, c, d) = (
      UInt8(truncatingIfNeeded: mask >> 24), UInt8(truncatingIfNeeded: mask >> 16),
      UInt8(truncatingIfNeeded: mask >> 8), UInt8(truncatingIfNeeded: mask)
    )
    _ = payload.withUnsafeReadableBytes { payload in
      frame.writeWithUnsafeMutableBytes(minimumWritableBytes: length) { output in
        for index in 0..<length {
          let key = index & 3 == 0 ? a : index & 3 == 1 ? b : index & 3 == 2 ? c : d
          output[index] = payload[index] ^ key
        }
        return length
      }
    }
    context.writeAndFlush(wrapOutboundOut(frame), promise: nil)
  }
}
#endif
