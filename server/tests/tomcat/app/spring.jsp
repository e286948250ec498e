<%@ page session="false" contentType="text/plain; charset=UTF-8" trimDirectiveWhitespaces="true" import="java.util.*,org.springframework.security.authentication.*,org.springframework.security.core.*,org.springframework.security.core.authority.*,org.springframework.security.core.context.*,org.springframework.security.core.userdetails.User,org.springframework.security.web.authentication.*,org.springframework.security.web.authentication.preauth.*" %><%
// Signs in as Spring Security does and prints the session's id.
// user: who; principal: user (default), string, preauthenticated, anonymous or empty.
HttpSession s = request.getSession(true);
String name = request.getParameter("user"), kind = request.getParameter("principal");
List<GrantedAuthority> roles = new ArrayList<GrantedAuthority>();
roles.add(new SimpleGrantedAuthority("ROLE_USER"));
User user = new User(name, "S3cret!", roles);
AbstractAuthenticationToken token = null;
if ("string".equals(kind)) token = new UsernamePasswordAuthenticationToken(name, "S3cret!", roles);
else if ("preauthenticated".equals(kind)) token = new PreAuthenticatedAuthenticationToken(user, "S3cret!", roles);
else if ("anonymous".equals(kind)) token = new AnonymousAuthenticationToken("key", "anonymousUser", roles);
else if (!"empty".equals(kind)) token = new UsernamePasswordAuthenticationToken(user, "S3cret!", roles);
if (token != null && !"anonymous".equals(kind)) token.setDetails(new WebAuthenticationDetails(request));
SecurityContextImpl context = new SecurityContextImpl();
context.setAuthentication(token);
s.setAttribute("SPRING_SECURITY_CONTEXT", context);
s.setAttribute("farm.who", name);
out.print(s.getId());
%>
